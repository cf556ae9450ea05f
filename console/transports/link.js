// Keeps a page connected by one transport: goes on after the last id when the connection ends, and waits longer after each
// failure. What a browser's EventSource does by itself is left to it.

import { authorization, hasCredential } from '../credential.js';
import { HUB, urlOf } from '../hub.js';
import { PASSING, problemOf, unreachable } from '../problem.js';
import { withParameters } from '../topic.js';

const RETRY_MS = 1_000;
const RETRY_MS_MAX = 30_000;
/** Heartbeats that may fail to come before the connection counts as dead. */
const HEARTBEATS_MISSED = 2.5;
/** Events from before the page that it begins with. */
const PAST = '5';

export class Link {
  /** What is read. A WebSocket may change it. */
  selectors;
  /** The open connection. */
  connection = null;
  #transport;
  #listener;
  #id = '';
  #turn = 0;
  #timer = 0;
  #pulse = 0;
  #failures = 0;
  /** Whether the state that the page shows is `live`. */
  #live = false;

  /**
   * @param {object} transport  One of `transports.js`.
   * @param {string[]} selectors
   * @param {{ state: (state: import('../stream.js').State) => void, event: (event: object) => void, id: (id: string) => void }} listener
   */
  constructor(transport, selectors, listener) {
    this.#transport = transport;
    this.selectors = selectors;
    this.#listener = listener;
  }

  async open() {
    this.close();
    const turn = this.#turn;
    if (!this.#live) this.#listener.state({ phase: 'connecting' });
    const url = await this.#address();
    if (turn !== this.#turn) return;
    this.connection = this.#transport.open({ url, authorization: authorization(), hear: this.#hear(turn) });
  }

  /** Ends the connection. What comes of it later is not heard. */
  close() {
    this.#turn += 1;
    clearTimeout(this.#timer);
    clearTimeout(this.#pulse);
    this.connection?.close();
    this.connection = null;
  }

  /** The same, and the page shows it. */
  cut() {
    this.close();
    this.#show({ phase: 'paused' });
  }

  async #address() {
    const begin = this.#id === '' ? [['last', PAST]] : [['last_event_id', this.#id]];
    const ticket = this.#transport.shows_key ? '' : await ticketOf();
    return withParameters(urlOf(this.selectors), [...this.#transport.parameters, ...begin, ['ticket', ticket]]);
  }

  /** @returns {import('./documents.js').Hear} */
  #hear(turn) {
    let heartbeat_ms = 0;
    const rest = () => {
      clearTimeout(this.#pulse);
      if (heartbeat_ms > 0) this.#pulse = setTimeout(() => this.#ended({}), HEARTBEATS_MISSED * heartbeat_ms);
    };
    const hear = {
      live: () => this.#show({ phase: 'live' }),
      event: (event) => {
        this.#listener.event(event);
        this.#place(event.id);
      },
      place: (id) => this.#place(id),
      said: (type, data) => this.#listener.event({ type, data, id: '' }),
      waiting: () => this.#show({ phase: 'waiting', until: 0 }),
      pulse: (ms) => (heartbeat_ms = ms),
      end: (how = {}) => this.#ended(how),
    };
    const current = ([name, act]) => [name, (...told) => turn === this.#turn && (act(...told), name === 'end' || rest())];
    return Object.fromEntries(Object.entries(hear).map(current));
  }

  #place(id) {
    if (!id) return;
    this.#id = id;
    this.#listener.id(id);
  }

  #show(state) {
    if (state.phase === 'live') this.#failures = 0;
    if (this.#live && state.phase === 'live') return;
    this.#live = state.phase === 'live';
    this.#listener.state(state);
  }

  async #ended({ retry_ms, problem, for_good = false }) {
    this.close();
    const turn = this.#turn;
    // A transport that is not told why asks the stream's history, which is refused in the same way.
    problem ??= this.#live || this.#transport.shows_key ? undefined : await refusal(this.selectors);
    if (turn !== this.#turn) return;
    const refused = problem && problem.status !== 0 && !PASSING.includes(problem.status);
    if (refused) return this.#show({ phase: 'refused', problem });
    if (for_good) return this.#show({ phase: 'ended' });
    const ms = retry_ms ?? Math.min(RETRY_MS * 2 ** this.#failures, RETRY_MS_MAX);
    if (retry_ms !== 0) {
      this.#failures += 1;
      this.#show({ phase: 'waiting', until: Date.now() + ms });
    }
    this.#timer = setTimeout(() => this.open(), ms);
  }
}

/** A ticket for one connection, where there is a key or token and the hub gives tickets. */
async function ticketOf() {
  if (!hasCredential()) return '';
  try {
    const answer = await fetch(`${HUB}tickets`, { method: 'POST', headers: authorization() });
    return answer.ok ? (await answer.json()).ticket : '';
  } catch {
    return '';
  }
}

async function refusal(selectors) {
  try {
    const url = withParameters(urlOf(selectors), [['limit', '1']]);
    const answer = await fetch(url, { headers: { accept: 'application/json', ...authorization() }, cache: 'no-store' });
    return answer.ok ? undefined : await problemOf(answer);
  } catch {
    return unreachable();
  }
}
