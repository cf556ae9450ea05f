// Makes elements. Text goes in as text, never as markup.

type Attributes = Record<string, string | boolean | ((event: Event) => void)>;

/** `on<event>` are listeners; `false` leaves an attribute out. */
export function node<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** Drawn as strokes on a grid of 16, like those of the console. */
const STROKES = {
  bell: "M8 2.1a4 4 0 0 0-4 4v2.6L2.8 11.4h10.4L12 8.7V6.1a4 4 0 0 0-4-4ZM6.5 13.4a1.6 1.6 0 0 0 3 0",
  done: "M3 8.5l3.2 3.2L13 4.8",
  all: "M1.5 8.7l2.9 2.9 5.4-6M8 11.2l.5.4 6-6.8",
  dot: "M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6Z",
  archive: "M2.5 3h11v3h-11ZM3.5 6v7h9V6M6.5 8.5h3",
  remove: "M3 4.5h10M6.5 4.5v-1.5h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5M6.8 7v3.6M9.2 7v3.6",
  close: "M4.5 4.5l7 7M11.5 4.5l-7 7",
} as const;

export type Icon = keyof typeof STROKES;

export function icon(name: Icon): SVGElement {
  const drawing = document.createElementNS(SVG, "svg");
  for (const [key, value] of [["viewBox", "0 0 16 16"], ["class", "icon"], ["aria-hidden", "true"], ["focusable", "false"]] as const) drawing.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", STROKES[name]);
  drawing.append(path);
  return drawing;
}
