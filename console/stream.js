// The stream of the page: a subscription of the client that the hub serves to all pages, told in the phases that this page shows.

import { CURSOR, EXPIRED, GAP, isShown, OPEN, PARTIAL } from './event-type.js';
import { problemOfFailure } from './problem.js';
import { withParameters } from './topic.js';

/**
 * @typedef {object} State
 * @property {'connecting' | 'live' | 'waiting' | 'ended' | 'refused'} phase
 * @property {number} [until]   While waiting: when the next attempt begins, in ms since the epoch.
 * @property {import('./problem.js').Problem} [problem]  Why it was refused, or why it waits.
 * @property {string} [expired]  While waiting: why the access of the stream before ended, if that was its end.
 */

/**
 * @typedef {object} StreamEvent
 * @property {string} type
 * @property {string} data
 * @property {string} id
 * @property {string} topic  Empty where the stream does not say.
 * @property {string} time   When it was published; empty where the stream does not say.
 */

/**
 * @typedef {object} Listener
 * @property {(state: State) => void} state
 * @property {(event: StreamEvent) => void} event
 * @property {(id: string) => void} id
 * @property {(connection: string) => void} [opened]  The id of the connection, which may be that of all tabs.
 */

/** The answer of a hub that has no more to say. */
const NO_CONTENT = 204;
/** Characters that the page shows of the reason why access ended. */
const REASON_LENGTH_MAX = 300;

export class Stream {
  #subscribe;
  #url;
  #begin;
  #listener;
  #headers;
  /** Whether to ask for that part of the selectors alone that access covers. */
  partial = false;
  /** Where the next subscription goes on. */
  #id = '';
  /** It leaves its connection to others. At the beginning it has none. */
  #is_resting = true;
  #subscription = null;
  /** Why the access of the stream before is over; undefined if it ended in another way. */
  #expired = undefined;

  /**
   * @param {object} options
   * @param {typeof import('../clients/js/src/index.js').subscribe} options.subscribe
   * @param {string} options.url
   * @param {[string, string][]} options.begin  Parameters that say where the stream begins.
   * @param {Listener} options.listener
   * @param {() => Record<string, string>} [options.headers]  With the key or token, if there is one.
   */
  constructor({ subscribe, url, begin, listener, headers = () => ({}) }) {
    this.#subscribe = subscribe;
    this.#url = url;
    this.#begin = begin;
    this.#listener = listener;
    this.#headers = headers;
  }

  /** Connects, now, and goes on where it was. */
  open() {
    this.close();
    this.#is_resting = false;
    const url = withParameters(this.#url, [...this.#begin, ['partial', this.partial ? 'true' : '']]);
    // Headers, not a token: tabs share a connection if they show the same. Two tokens of one user may cover different topics.
    const subscription = this.#subscribe(url, { headers: this.#headers(), lastEventId: this.#id });
    this.#subscription = subscription;
    const on = (type, act) => subscription.addEventListener(type, (event) => this.#subscription === subscription && act(event));
    on('statechange', ({ state, retryInMs }) => this.#changed(state, retryInMs));
    on('error', (failure) => (failure.willRetry ? this.#waits(failure.retryInMs, problemOfFailure(failure)) : this.#refused(failure)));
    on(OPEN, (event) => this.#opened(event));
    on(CURSOR, ({ lastEventId }) => this.#listener.id(lastEventId));
    on(PARTIAL, (event) => this.#hear(event));
    on(EXPIRED, ({ data }) => (this.#expired = memberOf(data, 'reason').slice(0, REASON_LENGTH_MAX)));
    this.#listener.state({ phase: 'connecting' });
    this.#read(subscription);
  }

  /** Leaves without a word. */
  close() {
    const subscription = this.#subscription;
    this.#subscription = null;
    if (!subscription) return;
    subscription.close();
    this.#id = subscription.lastEventId;
  }

  /** Leaves the connection to others, if it has one or waits for one, until it is woken. */
  rest() {
    this.#is_resting ||= this.#subscription !== null;
    this.close();
  }

  /** Connects if it rests. */
  wake() {
    if (this.#is_resting) this.open();
  }

  async #read(subscription) {
    try {
      for await (const event of subscription) this.#hear(event);
    } catch {
      // The subscription has told why it was refused.
    }
  }

  #hear({ type, data, lastEventId, topic, time, resumesAfter }) {
    this.#listener.id(lastEventId);
    // A publisher may call an event `gap`, too; that one resumes nowhere.
    const told = resumesAfter === undefined ? type : GAP;
    if (isShown(told)) this.#listener.event({ type: told, data, id: lastEventId, topic, time });
  }

  #opened({ data, lastEventId }) {
    this.#listener.id(lastEventId);
    this.#listener.opened?.(memberOf(data, 'connection') || memberOf(data, 'shared_connection'));
  }

  #changed(state, retry_ms) {
    if (state === 'connecting') this.#listener.state({ phase: 'connecting' });
    if (state === 'waiting') this.#waits(retry_ms);
    if (state !== 'open') return;
    this.#expired = undefined;
    this.#listener.state({ phase: 'live' });
  }

  #waits(retry_ms, problem) {
    this.#listener.state({ phase: 'waiting', until: Date.now() + retry_ms, problem, expired: this.#expired });
  }

  #refused(failure) {
    this.close();
    if (failure.status === NO_CONTENT) this.#listener.state({ phase: 'ended' });
    else this.#listener.state({ phase: 'refused', problem: problemOfFailure(failure) });
  }
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
