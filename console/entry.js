// What the list keeps of an event: all that its row shows.

import { GAP, PARTIAL } from './event-type.js';

/**
 * @typedef {object} Entry
 * @property {'event' | 'gap' | 'partial'} kind
 * @property {Date | null} time   Null where it is not known: the event is older than the page.
 * @property {string} topic
 * @property {string} type
 * @property {string} data
 * @property {string} id
 */

/**
 * @param {import('./stream.js').StreamEvent} event
 * @param {string} sole  The topic of the page, if it is about one alone: its events do not name it.
 * @returns {Omit<Entry, 'time'>}
 */
export function entryOf({ type, data, id, topic }, sole) {
  return { kind: kindOf(type), topic: topic || sole, type, data, id };
}

/**
 * Whether somebody published it. Else the hub says something about the events: it counts as none, and has no topic.
 *
 * @param {{ type: string }} event
 */
export function isPublished({ type }) {
  return kindOf(type) === 'event';
}

function kindOf(type) {
  if (type === GAP) return 'gap';
  return type === PARTIAL ? 'partial' : 'event';
}
