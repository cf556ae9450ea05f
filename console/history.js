// The events from before the page: a page of history, which unlike a stream tells when each was published.

import { isShown } from './event-type.js';
import { withParameters } from './topic.js';

/**
 * @typedef {object} Past
 * @property {(import('./decoder.js').StreamEvent & { time: Date | null })[]} events  Oldest first.
 * @property {object | null} gap
 * @property {boolean} partial  Whether fewer of the newest events are there than were asked for.
 * @property {string} cursor  Where the stream goes on; empty if it begins by itself.
 * @property {boolean} more   Whether the stream has more of the past to catch up with.
 */

/** @returns {Past} */
function nothing() {
  return { events: [], gap: null, partial: false, cursor: '', more: true };
}

/**
 * What goes wrong here is no matter: the stream is asked for the same, and tells what is wrong with it.
 *
 * @param {string} url
 * @param {[string, string][]} begin
 * @param {Record<string, string>} headers
 * @returns {Promise<Past>}
 */
export async function recall(url, begin, headers) {
  try {
    const options = { headers: { accept: 'application/json', ...headers }, cache: 'no-store' };
    const response = await fetch(withParameters(url, begin), options);
    return response.status === 200 ? pastOf(await response.json()) : nothing();
  } catch {
    return nothing();
  }
}

/** @returns {Past} */
export function pastOf({ events, gap, partial, cursor, more }) {
  const shown = events.filter(({ type }) => isShown(type));
  return {
    events: shown.map(eventOf),
    gap: gap ?? null,
    partial: partial === true,
    cursor: String(cursor),
    more: more === true,
  };
}

function eventOf({ type, data, id, topic, time }) {
  const date = new Date(time);
  return { type, data, id, topic, time: Number.isNaN(date.getTime()) ? null : date };
}
