// The hub's time. Events have the times that the hub gave them, and a page's own clock may be wrong.

/** The header `Date` has whole seconds, and is on its way for a moment: a smaller difference is none. */
const DIFFERENCE_MS_MIN = 2_000;

let ahead_ms = 0;

/** @param {string | null} date  The header `Date` of an answer that came just now. */
export function noteDate(date) {
  ahead_ms = aheadOf(date, Date.now());
}

/** The time at the hub, in ms since the epoch. */
export function hubNow() {
  return Date.now() + ahead_ms;
}

/**
 * How far the hub's clock is ahead of the page's.
 *
 * @param {string | null} date
 * @param {number} now
 */
export function aheadOf(date, now) {
  const ms = Date.parse(date ?? '') + 500 - now;
  return Math.abs(ms) > DIFFERENCE_MS_MIN ? ms : 0;
}
