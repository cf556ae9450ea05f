// One subscription: reads a stream by fetch, and takes it up again where it broke off.
//
// It does what a browser's EventSource does, and three things more: it waits longer after each failure, it notices a
// connection that fell silent without closing (the hub says how often it sends a heartbeat), and it says why.

import { Decoder } from './decoder.js';
import { EXPIRED, isShown, OPEN } from './event-type.js';
import { problemOf, unreachable } from './problem.js';
import { withParameters } from './topic.js';

/**
 * @typedef {object} State
 * @property {'connecting' | 'live' | 'waiting' | 'ended' | 'refused'} phase
 * @property {number} [until]   While waiting: when the next attempt begins, in ms since the epoch.
 * @property {import('./problem.js').Problem} [problem]
 * @property {string} [expired]  While waiting: why the access of the stream before ended, if that was its end.
 */

/**
 * @typedef {object} Listener
 * @property {(state: State) => void} state
 * @property {(event: import('./decoder.js').StreamEvent) => void} event
 * @property {(id: string) => void} id
 * @property {(date: string | null) => void} [date]  The header `Date` of each answer.
 * @property {(connection: string) => void} [opened]  The id of the connection, where the hub tells it.
 */

const RETRY_MS = 3_000;
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 30_000;
const HEARTBEAT_MS = 15_000;
/** Heartbeats that may fail to come before the connection counts as dead. */
const HEARTBEATS_MISSED = 2.5;
/** Answers after which it makes sense to ask again by oneself. */
export const PASSING = [408, 425, 429, 500, 502, 503, 504];
/** Characters that the page shows of the reason why access ended. */
const REASON_LENGTH_MAX = 300;

export class Stream {
  #address;
  #begin;
  #listener;
  #authorization;
  #id = '';
  #retry_ms = RETRY_MS;
  #heartbeat_ms = HEARTBEAT_MS;
  #failures = 0;
  #heard = 0;
  #attempt = null;
  #timer = 0;
  #waiting = false;
  /** Why the access of this stream is over; undefined while it is not. */
  #expired = undefined;
  #partial = false;

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {[string, string][]} options.begin  Parameters for the first connection alone.
   * @param {Listener} options.listener
   * @param {string} [options.id]  Where to go on, if that is known; `begin` is not looked at then.
   * @param {() => Record<string, string>} [options.authorization]  Headers with the key or token, if there is one.
   */
  constructor({ url, begin, listener, id = '', authorization = () => ({}) }) {
    this.#address = url;
    this.#begin = begin;
    this.#listener = listener;
    this.#id = id;
    this.#authorization = authorization;
  }

  /** @param {boolean} partial  Whether to ask for that part of the selectors alone that access covers. */
  set partial(partial) {
    this.#partial = partial;
  }

  get partial() {
    return this.#partial;
  }

  /** Connects, now; an attempt or a connection that there may be is left. */
  open() {
    this.close();
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#listener.state({ phase: 'connecting' });
    this.#read(attempt).then(
      (outcome) => this.#attempt === attempt && this.#settle(outcome),
      () => this.#attempt === attempt && this.#wait({ problem: unreachable() }),
    );
  }

  /** Leaves without a word. */
  close() {
    clearTimeout(this.#timer);
    this.#attempt?.abort();
    this.#attempt = null;
    this.#waiting = false;
  }

  /** Connects now, if it waits to. */
  hurry() {
    if (!this.#attempt && this.#waiting) this.open();
  }

  /** Connects again if nothing was heard for too long: timers sleep while a page does. */
  check() {
    if (this.#attempt && this.#heard > 0 && Date.now() - this.#heard > this.#silence_ms_max()) this.open();
  }

  /** Reads until the end. What it returns says what to do next; it throws where the network failed. */
  async #read(attempt) {
    this.#listen(attempt);
    const response = await fetch(this.#url(), {
      headers: this.#headers(),
      cache: 'no-store',
      signal: attempt.signal,
    });
    this.#listener.date?.(response.headers.get('date'));
    if (response.status === 204) return { end: true };
    if (response.status !== 200) {
      // Retry-After may also be a date; the own delay does then.
      const after_ms = Number(response.headers.get('retry-after')) * 1_000 || 0;
      return { problem: await problemOf(response), after_ms };
    }
    if (!/^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')) {
      return { problem: { status: 200, type: '', title: response.headers.get('content-type') ?? '', detail: '', uncovered: [] } };
    }
    await this.#consume(attempt, response.body.getReader());
    return {};
  }

  async #consume(attempt, reader) {
    this.#expired = undefined;
    const decoder = this.#decoder();
    this.#listener.state({ phase: 'live' });
    for (;;) {
      this.#listen(attempt);
      const { done, value } = await reader.read();
      if (done || this.#attempt !== attempt) return;
      decoder.push(value);
      // Only what was really heard shows that the hub is well; headers alone do not.
      this.#failures = 0;
    }
  }

  #decoder() {
    const listener = {
      // The id of an event that is not shown counts all the same: it is told apart from the event.
      event: (event) => this.#hear(event),
      id: (id) => {
        this.#id = id;
        this.#listener.id(id);
      },
      retry: (ms) => (this.#retry_ms = ms),
      comment: (text) => {
        const [, ms] = /^ heartbeat (\d+)$/.exec(text) ?? [];
        if (ms) this.#heartbeat_ms = Number(ms);
      },
    };
    return new Decoder(listener, { id: this.#id });
  }

  #hear(event) {
    if (event.type === EXPIRED) this.#expired = memberOf(event.data, 'reason').slice(0, REASON_LENGTH_MAX);
    if (event.type === OPEN) this.#listener.opened?.(memberOf(event.data, 'connection'));
    if (isShown(event.type)) this.#listener.event(event);
  }

  #settle({ end = false, problem, after_ms = 0 }) {
    if (end) return this.#stop({ phase: 'ended' });
    if (problem && !PASSING.includes(problem.status)) return this.#stop({ phase: 'refused', problem });
    this.#wait({ problem, after_ms });
  }

  #stop(state) {
    this.close();
    this.#listener.state(state);
  }

  #wait({ problem, after_ms = 0 }) {
    this.close();
    const ms = Math.max(after_ms, delayOf(this.#retry_ms, problem ? this.#failures : 0));
    this.#failures += problem ? 1 : 0;
    this.#waiting = true;
    this.#listener.state({ phase: 'waiting', until: Date.now() + ms, problem, expired: this.#expired });
    this.#timer = setTimeout(() => this.open(), ms);
  }

  /** Notes that something was heard, and begins to wait for more. */
  #listen(attempt) {
    this.#heard = Date.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#attempt === attempt && this.open(), this.#silence_ms_max());
  }

  #silence_ms_max() {
    return this.#heartbeat_ms * HEARTBEATS_MISSED;
  }

  #url() {
    const begin = this.#id === '' ? this.#begin : [];
    // The id of the connection is told also before the events that this page has missed.
    const always = ['opening', 'always'];
    return withParameters(this.#address, this.#partial ? [...begin, always, ['partial', 'true']] : [...begin, always]);
  }

  #headers() {
    const headers = { accept: 'text/event-stream', ...this.#authorization() };
    if (this.#id !== '') headers['last-event-id'] = byteStringOf(this.#id);
    return headers;
  }
}

/**
 * How long to wait after so many failures in a row: longer each time, and never two pages in step.
 *
 * @param {number} retry_ms
 * @param {number} failures
 */
export function delayOf(retry_ms, failures, random = Math.random) {
  const floor = Math.min(Math.max(retry_ms, RETRY_MS_MIN), RETRY_MS_MAX);
  const ceiling = Math.min(floor * 2 ** Math.min(failures, 10), RETRY_MS_MAX);
  return Math.round(ceiling === floor ? floor : floor + (ceiling - floor) * random());
}

/** A text in what the hub says of itself, which is JSON. Empty if there is none. */
function memberOf(data, name) {
  try {
    const value = JSON.parse(data)?.[name];
    return typeof value === 'string' ? value : '';
  } catch {
    return '';
  }
}

/** `fetch` takes headers as bytes, a character each; the standard wants the id's UTF-8 bytes. */
function byteStringOf(text) {
  return String.fromCharCode(...new TextEncoder().encode(text));
}
