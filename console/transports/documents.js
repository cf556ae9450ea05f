// Documents of JSON, as lines, WebSocket and iframe carry them: told to the page one by one.

import { problemIn } from '../problem.js';

/**
 * What a transport tells the page.
 *
 * @typedef {object} Hear
 * @property {() => void} live                       The connection stands.
 * @property {(event: { id: string, topic?: string, type: string, data: string }) => void} event
 * @property {(id: string) => void} place            Everything up to here has come.
 * @property {(type: string, data: string) => void} said  An event of the hub's own.
 * @property {() => void} waiting                    The browser comes back by itself.
 * @property {(heartbeat_ms: number) => void} pulse  How often something comes at least.
 * @property {(how?: { retry_ms?: number, problem?: import('../problem.js').Problem, for_good?: boolean }) => void} end
 */

/**
 * @param {Record<string, any>} said
 * @param {Hear} hear
 */
export function tell(said, hear) {
  if (said.heartbeat_ms) hear.pulse(said.heartbeat_ms);
  if (said.gap) hear.said('tidings.gap', JSON.stringify(said.gap));
  if (said.id) hear.event(said);
  else if (said.type) hear.said(said.type, said.data);
  if (said.cursor && !said.id) hear.place(said.cursor);
  if (said.error) hear.end({ problem: problemIn(said.error) });
  else if (said.retry_ms) hear.end({ retry_ms: said.retry_ms });
}
