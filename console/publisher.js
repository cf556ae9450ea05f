// Publishes an event: once, however often the client has to send it.

import { publish as send } from '../tidings.js';
import { authorization } from './credential.js';
import { HUB, urlOf } from './hub.js';
import { problemOfFailure } from './problem.js';
import { withParameters } from './topic.js';

/**
 * @typedef {object} Draft
 * @property {string} topic
 * @property {string} data
 * @property {string} [event]
 * @property {string} [id]
 * @property {string} [retry]
 */

/** How long the hub may take to say that it is there. */
const ANSWER_MS_MAX = 5_000;

/**
 * @param {Draft} draft
 * @returns {Promise<{ id: string } | { problem: import('./problem.js').Problem }>}
 */
export async function publish({ topic, data, event = '', id = '', retry = '' }) {
  const url = withParameters(urlOf([topic]), [['event', event], ['id', id], ['retry', retry]]);
  try {
    return await send(url, data, { headers: authorization() });
  } catch (failure) {
    return { problem: problemOfFailure(failure) };
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
