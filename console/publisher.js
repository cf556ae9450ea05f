// Publishes an event, and keeps the key that a hub may want for it.

import { HUB, urlOf } from './hub.js';
import { problemOf, unreachable } from './problem.js';
import { withParameters } from './topic.js';

/**
 * @typedef {object} Draft
 * @property {string} topic
 * @property {string} data
 * @property {string} [event]
 * @property {string} [id]
 * @property {string} [retry]
 */

/** For this tab alone, and until it is closed. */
const KEY = 'tidings.key';
/** How long the hub may take to say that it is there. */
const ANSWER_MS_MAX = 5_000;

let key = stored();

/** @returns {Record<string, string>} */
export function authorization() {
  return key === '' ? {} : { authorization: `Bearer ${key}` };
}

export function hasKey() {
  return key !== '';
}

/** @param {string} text An empty one forgets the key. */
export function useKey(text) {
  key = text.trim();
  try {
    if (key === '') sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, key);
  } catch {
    // Storage may be forbidden; the key is then known until the page is left.
  }
}

/**
 * @param {Draft} draft
 * @returns {Promise<{ id: string } | { problem: import('./problem.js').Problem }>}
 */
export async function publish({ topic, data, event = '', id = '', retry = '' }) {
  const url = withParameters(urlOf([topic]), [['event', event], ['id', id], ['retry', retry]]);
  const headers = { 'content-type': 'text/plain; charset=utf-8', ...authorization() };
  try {
    const response = await fetch(url, { method: 'POST', headers, body: data });
    if (!response.ok) return { problem: await problemOf(response) };
    const answer = await response.json();
    return { id: String(answer.id) };
  } catch {
    return { problem: unreachable() };
  }
}

/** Whether the hub answers at all. */
export async function isReachable() {
  try {
    const response = await fetch(`${HUB}healthz`, { cache: 'no-store', signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    return response.ok;
  } catch {
    return false;
  }
}

function stored() {
  try {
    return sessionStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}
