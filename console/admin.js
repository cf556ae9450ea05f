// What an admin can ask the hub: who is connected, and to end a connection.

import { authorization } from './credential.js';
import { HUB } from './hub.js';
import { problemOf, unreachable } from './problem.js';
import { withParameters } from './topic.js';

/** Connections of one page. */
export const CONNECTIONS_MAX = 50;

/**
 * @typedef {object} Connected
 * @property {string} id
 * @property {string} user       Empty if it is anonymous.
 * @property {string} address    Empty if the hub does not know it.
 * @property {string} transport
 * @property {string[]} selectors
 * @property {Date | null} since
 * @property {number} lag        Events that it has not yet received.
 */

/**
 * A page of the connections, behind one of them.
 *
 * @param {string} after  Empty for the first page.
 * @returns {Promise<{ connections: Connected[], more: boolean } | { problem: import('./problem.js').Problem }>}
 */
export async function connectionsAfter(after) {
  const url = withParameters(`${HUB}admin/connections`, [['limit', String(CONNECTIONS_MAX)], ['after', after]]);
  const answer = await ask(url, { headers: { accept: 'application/json', ...authorization() }, cache: 'no-store' });
  if (answer.problem) return answer;
  const { connections, more } = answer.json;
  return { connections: Array.isArray(connections) ? connections.map(connectedOf) : [], more: more === true };
}

/**
 * @param {string} connection
 * @returns {Promise<{ disconnected: number } | { problem: import('./problem.js').Problem }>}
 */
export async function disconnect(connection) {
  const headers = { 'content-type': 'application/json', ...authorization() };
  const answer = await ask(`${HUB}admin/disconnect`, { method: 'POST', headers, body: JSON.stringify({ connection }) });
  return answer.problem ? answer : { disconnected: Number(answer.json.disconnected) || 0 };
}

async function ask(url, options) {
  try {
    const response = await fetch(url, options);
    if (!response.ok) return { problem: await problemOf(response) };
    return { json: (await response.json()) ?? {} };
  } catch {
    return { problem: unreachable() };
  }
}

function connectedOf({ id, user, address, transport, selectors, since, lag }) {
  const time = new Date(since ?? NaN);
  return {
    id: String(id ?? ''),
    user: String(user ?? ''),
    address: String(address ?? ''),
    transport: String(transport ?? ''),
    selectors: Array.isArray(selectors) ? selectors.map(String) : [],
    since: Number.isNaN(time.getTime()) ? null : time,
    lag: Number(lag) || 0,
  };
}
