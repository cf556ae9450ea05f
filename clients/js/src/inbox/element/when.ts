// Times, as people say them.

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];
/** From here on the date says more. */
const DATE_AFTER_MS = 7 * 86_400_000;

/** How long ago it was; the clock of this machine may be behind that of the hub. */
export function agoOf(time: string, language: string, now = Date.now()): string {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return "";
  const ms = Math.max(now - at, 0);
  if (ms >= DATE_AFTER_MS) return new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(at);
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const [unit, length] = UNITS.find(([, length]) => ms >= length) ?? ["second", Infinity];
  return format.format(-Math.floor(ms / length), unit);
}

export function fullTimeOf(time: string, language: string): string {
  const at = Date.parse(time);
  return Number.isNaN(at) ? "" : new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "medium" }).format(at);
}
