// The few icons, drawn as strokes of 1.5 on a grid of 16. They say nothing by themselves: whoever bears one is labelled.

import { drawing } from './element.js';

const STROKES = {
  sun: 'M8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.85.85M11.75 11.75l.85.85M12.6 3.4l-.85.85M4.25 11.75l-.85.85M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6Z',
  moon: 'M13.3 9.6A5.7 5.7 0 0 1 6.4 2.7a5.7 5.7 0 1 0 6.9 6.9Z',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.2v9.6l7.6-4.8Z',
  clear: 'M3 4.5h10M6.5 4.5v-1.5h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5M6.8 7v3.6M9.2 7v3.6',
  close: 'M4.5 4.5l7 7M11.5 4.5l-7 7',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8Z',
  done: 'M3 8.5l3.2 3.2L13 4.8',
  up: 'M8 13V3.5M3.8 7.5L8 3.3l4.2 4.2',
  search: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM10.4 10.4L13.5 13.5',
  open: 'M6 3.5L10.5 8L6 12.5',
  gap: 'M2 8h3.2M10.8 8H14M7 5.2l-1 5.6M10 5.2l-1 5.6',
  key: 'M5.2 6.6a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8ZM7.6 7.6L13.6 1.8M10.6 4.7l2.2 2.2',
  unread: 'M8 4.5a3.5 3.5 0 1 1 0 7a3.5 3.5 0 0 1 0-7Z',
  window: 'M6.5 3.5h-3v9h9v-3M9.2 2.5h4.3v4.3M13.2 2.8L7.8 8.2',
  alert: 'M8 2.2L14.4 13.4H1.6ZM8 6.6v3.2M8 11.4v.3',
};

/**
 * @param {keyof typeof STROKES} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const path = drawing('path', { d: STROKES[name] });
  return drawing('svg', { class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' }, path);
}
