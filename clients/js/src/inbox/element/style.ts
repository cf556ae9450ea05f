// How the component looks. Pages change it by custom properties and by parts; their own rules do not reach into it.

const LIGHT = `
  --_surface: var(--tidings-inbox-surface, #ffffff);
  --_hover: var(--tidings-inbox-hover, #f4f7f6);
  --_unread: var(--tidings-inbox-unread, #eef7f5);
  --_ink: var(--tidings-inbox-ink, #16201f);
  --_ink-2: var(--tidings-inbox-ink-2, #4d5a58);
  --_line: var(--tidings-inbox-line, #e3e8e6);
  --_accent: var(--tidings-inbox-accent, #0b7468);
  --_badge: var(--tidings-inbox-badge, #c22f24);
  --_on-badge: var(--tidings-inbox-on-badge, #ffffff);
  --_bad: var(--tidings-inbox-bad, #a5241b);
  --_bad-tint: var(--tidings-inbox-bad-tint, #fdecea);
  --_shadow: var(--tidings-inbox-shadow, 0 8px 28px rgb(16 32 30 / 0.18), 0 1px 3px rgb(16 32 30 / 0.1));
  color-scheme: light;
`;

const DARK = `
  --_surface: var(--tidings-inbox-surface, #141b1b);
  --_hover: var(--tidings-inbox-hover, #1c2626);
  --_unread: var(--tidings-inbox-unread, #152624);
  --_ink: var(--tidings-inbox-ink, #e4ecea);
  --_ink-2: var(--tidings-inbox-ink-2, #a9b6b3);
  --_line: var(--tidings-inbox-line, #2a3636);
  --_accent: var(--tidings-inbox-accent, #5ccbb8);
  --_badge: var(--tidings-inbox-badge, #e5584c);
  --_on-badge: var(--tidings-inbox-on-badge, #1b0503);
  --_bad: var(--tidings-inbox-bad, #ff9d93);
  --_bad-tint: var(--tidings-inbox-bad-tint, #351a18);
  --_shadow: var(--tidings-inbox-shadow, 0 8px 28px rgb(0 0 0 / 0.6), 0 0 0 1px rgb(255 255 255 / 0.04));
  color-scheme: dark;
`;

/** On a page that is not wider the panel has the full width, as on a phone. */
export const PHONE_PX = 480;

export const style = `
:host {
  ${LIGHT}
  position: relative;
  display: inline-block;
  vertical-align: middle;
  font: 400 max(0.875rem, 13px) / 1.45 var(--tidings-inbox-font, system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif);
  color: var(--_ink);
  text-align: start;
  letter-spacing: normal;
  text-transform: none;
  white-space: normal;
}
@media (prefers-color-scheme: dark) {
  :host(:not([theme="light"])) { ${DARK} }
}
:host([theme="dark"]) { ${DARK} }
:host([hidden]) { display: none; }

*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
button, a {
  font: inherit;
  color: inherit;
  text-align: inherit;
  text-decoration: none;
}
button {
  margin: 0;
  border: 0;
  background: none;
  cursor: pointer;
}
:focus-visible {
  outline: 2px solid var(--_accent);
  outline-offset: -2px;
}
.icon {
  display: block;
  width: 1.15em;
  height: 1.15em;
  fill: none;
  stroke: currentColor;
  stroke-width: 1.4;
  stroke-linecap: round;
  stroke-linejoin: round;
}

.bell {
  position: relative;
  display: grid;
  place-items: center;
  width: 2.5em;
  height: 2.5em;
  padding: 0;
  border-radius: var(--tidings-inbox-radius, 0.6em);
  color: var(--tidings-inbox-bell, inherit);
}
.bell .icon { width: 1.5em; height: 1.5em; }
.bell:hover { background: color-mix(in srgb, currentColor 9%, transparent); }
.badge {
  position: absolute;
  inset-block-start: 0.15em;
  inset-inline-end: 0;
  max-width: 100%;
  min-width: 1.65em;
  height: 1.65em;
  padding: 0 0.4em;
  border-radius: 1em;
  background: var(--_badge);
  color: var(--_on-badge);
  font-size: 0.72em;
  font-weight: 650;
  font-variant-numeric: tabular-nums;
  line-height: 1.65em;
  text-align: center;
}
.unheard {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}

.panel {
  position: absolute;
  z-index: var(--tidings-inbox-z-index, 1000);
  inset-block-start: calc(100% + 0.4em);
  inset-inline-end: 0;
  display: flex;
  flex-direction: column;
  width: min(var(--tidings-inbox-width, 25em), calc(100vw - 1em));
  max-height: min(var(--tidings-inbox-height, 34em), var(--_room, 80vh));
  overflow: hidden;
  border: 1px solid var(--_line);
  border-radius: calc(var(--tidings-inbox-radius, 0.6em) * 1.3);
  background: var(--_surface);
  box-shadow: var(--_shadow);
  transform: translateX(var(--_shift, 0));
  margin: 0;
  padding: 0;
  color: var(--_ink);
  outline: none;
  animation: appear 120ms ease-out;
}
.panel.is-lifted {
  position: fixed;
  inset: var(--_top, 0) auto auto var(--_left, 0);
  transform: none;
}
@keyframes appear {
  from { opacity: 0; translate: 0 -4px; }
}
.head {
  display: flex;
  align-items: center;
  gap: 0.25em;
  min-height: 3.2em;
  padding: 0.3em 0.5em 0.3em 1em;
  border-block-end: 1px solid var(--_line);
}
.title {
  flex: 1;
  margin: 0;
  font-size: 1.05em;
  font-weight: 650;
}
.quiet {
  display: inline-flex;
  align-items: center;
  gap: 0.4em;
  padding: 0.4em 0.6em;
  border-radius: 0.45em;
  color: var(--_ink-2);
  font-size: 0.93em;
}
.quiet:hover:not(:disabled) { background: var(--_hover); color: var(--_ink); }
.quiet:disabled { opacity: 0.45; cursor: default; }
.square { display: grid; place-items: center; width: 2.1em; height: 2.1em; padding: 0; }

.problem, .waiting {
  margin: 0;
  padding: 0.6em 1em;
  border-block-end: 1px solid var(--_line);
  font-size: 0.93em;
  overflow-wrap: anywhere;
}
.problem {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  justify-content: space-between;
  gap: 0.4em 1em;
  background: var(--_bad-tint);
  color: var(--_bad);
}
.problem .quiet { color: inherit; font-weight: 600; border: 1px solid currentColor; }
.detail { display: block; font-size: 0.9em; opacity: 0.85; }
.waiting { color: var(--_ink-2); }

.body {
  flex: 1;
  min-height: 0;
  overflow-y: auto;
  overscroll-behavior: contain;
}
.list { margin: 0; padding: 0; list-style: none; }
.row {
  position: relative;
  display: flex;
  align-items: stretch;
  border-block-end: 1px solid var(--_line);
}
.row:last-child { border-block-end: 0; }
.row:hover { background: var(--_hover); }
.row.is-unread { background: var(--_unread); }
.row.is-unread::before {
  content: "";
  position: absolute;
  inset-block: 0;
  inset-inline-start: 0;
  width: 3px;
  background: var(--_accent);
}
.main {
  flex: 1;
  min-width: 0;
  display: block;
  padding: 0.75em 1em;
  cursor: pointer;
}
.name {
  display: -webkit-box;
  -webkit-box-orient: vertical;
  -webkit-line-clamp: 3;
  overflow: hidden;
  font-weight: 500;
  overflow-wrap: anywhere;
}
.is-unread .name { font-weight: 650; }
.text {
  display: -webkit-box;
  -webkit-box-orient: vertical;
  -webkit-line-clamp: 3;
  overflow: hidden;
  margin-block-start: 0.15em;
  color: var(--_ink-2);
  white-space: pre-line;
  overflow-wrap: anywhere;
}
.is-open .name, .is-open .text { display: block; }
.meta {
  display: flex;
  flex-wrap: wrap;
  gap: 0 0.6em;
  margin-block-start: 0.25em;
  color: var(--_ink-2);
  font-size: 0.86em;
}
.kind { min-width: 0; overflow-wrap: anywhere; }
.kind::after { content: "·"; margin-inline-start: 0.6em; }
.actions {
  position: absolute;
  inset-block-start: 0.45em;
  inset-inline-end: 0.45em;
  display: flex;
  gap: 0.1em;
  padding: 0.1em;
  border-radius: 0.5em;
  background: var(--_surface);
  box-shadow: 0 0 0 1px var(--_line);
  opacity: 0;
}
.row:hover .actions, .row:focus-within .actions { opacity: 1; }
@media (hover: none) {
  .actions { inset-block: auto 0.15em; opacity: 1; background: none; box-shadow: none; }
  .square { width: 2.75em; height: 2.75em; }
  .main { padding-block-end: 0.35em; }
  .meta { align-items: center; min-height: 2.4em; padding-inline-end: 9em; }
}
.more { display: flex; justify-content: center; padding: 0.4em; border-block-start: 1px solid var(--_line); }
.empty, .loading {
  padding: 2.6em 1.5em;
  color: var(--_ink-2);
  text-align: center;
}
.empty .icon { width: 2.2em; height: 2.2em; margin: 0 auto 0.7em; opacity: 0.55; }
.empty strong { display: block; color: var(--_ink); font-weight: 600; }
.empty p { margin: 0.2em 0 0; font-size: 0.93em; }

@media (max-width: ${PHONE_PX}px) {
  .panel, .panel.is-lifted {
    position: fixed;
    inset: var(--_top, 0) 0 0 0;
    width: auto;
    height: auto;
    max-height: none;
    border-width: 1px 0 0;
    border-radius: 0;
    transform: none;
  }
}
@media (prefers-reduced-motion: reduce) {
  .panel { animation: none; }
}
@media (forced-colors: active) {
  .badge, .row.is-unread::before { forced-color-adjust: none; background: Highlight; color: HighlightText; }
}
`;

let sheet: CSSStyleSheet | undefined;

/** Puts it into a root: as a sheet, which no policy of a page refuses; as an element, where browsers are older. */
export function adopt(root: ShadowRoot): void {
  if ("adoptedStyleSheets" in root && "replaceSync" in CSSStyleSheet.prototype) {
    if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(style);
    root.adoptedStyleSheets = [sheet];
    return;
  }
  const made = document.createElement("style");
  made.textContent = style;
  (root as ShadowRoot).prepend(made);
}
