// Which tabs of a browser have a stream. Over HTTP/1.1 a browser opens at most six connections to a host, for all of its
// tabs together. Streams that held all six would leave none to publish over, or to load a page. So at most four tabs have
// a stream: those that were looked at last.
//
// The tabs talk over a BroadcastChannel; Web Locks would need https. No tab rules: whenever one takes a seat, each tells
// when it was looked at, and each finds out for itself whether it is one of the four.

import { HUB } from './hub.js';

const CHANNEL = 'tidings.streams';
/** Two connections are left over: one to load a page or to read history, one to publish. */
export const SEATS_MAX = 4;
/** How long the answers of the other tabs may take. */
const ANSWERS_MS = 200;
/** A tab that leaves is often on its way to another page of the hub, which takes the seat again. */
const LEFT_MS = 2_000;
/** An answer that takes longer than this waits for a connection. */
const SPARE_MS = 2_000;

export class Seats {
  #channel;
  #id = `${Date.now()}-${Math.random()}`;
  #looked_at = Date.now();
  /** Other tabs that said that they have a seat: when they were looked at, and when they said so. */
  #others = new Map();
  /** `no`, `asked` until the others have answered, `yes`. */
  #seated = 'no';
  #given;
  #lost;
  #timer = 0;

  /**
   * @param {{ given: () => void, lost: () => void, channel?: BroadcastChannel | null }} options  `given`: this tab, which
   *   had no seat, has one now. `lost`: another tab has it now. `channel`: null where tabs share no connections.
   */
  constructor({ given, lost, channel = sharesConnections() ? new BroadcastChannel(CHANNEL) : null }) {
    this.#given = given;
    this.#lost = lost;
    this.#channel = channel;
    channel?.addEventListener('message', ({ data }) => this.#hear(data));
  }

  /** Takes a seat for a tab that somebody looks at. */
  take() {
    this.#looked_at = Date.now();
    this.#seated = 'yes';
    this.#tell('take');
    this.#count(ANSWERS_MS);
  }

  /** Somebody looks at this tab. */
  looked() {
    this.#looked_at = Date.now();
  }

  /** Leaves the seat. */
  leave() {
    clearTimeout(this.#timer);
    if (this.#seated !== 'no') this.#tell('leave');
    this.#seated = 'no';
  }

  #hear({ kind, id, looked_at }) {
    if (kind === 'leave') return this.#heardLeave(id);
    this.#others.set(id, { looked_at, at: Date.now() });
    if (kind !== 'take' || this.#seated === 'no') return;
    this.#tell('here');
    this.#count(ANSWERS_MS);
  }

  #heardLeave(id) {
    this.#others.delete(id);
    // A hidden tab asks when somebody looks at it.
    if (this.#seated !== 'no' || isHidden()) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.ask(), LEFT_MS);
  }

  /** Asks for a seat that may be free, without taking anybody's. */
  ask() {
    if (isHidden()) this.#looked_at = 0;
    this.#seated = 'asked';
    this.#tell('take');
    this.#count(ANSWERS_MS);
  }

  #count(after_ms) {
    const since = Date.now() - ANSWERS_MS;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // A tab that crashed has not left. It does not answer, either.
      for (const [id, { at }] of this.#others) if (at < since) this.#others.delete(id);
      const before = [...this.#others].filter(([id, { looked_at }]) => this.#isAfter(id, looked_at)).length;
      this.#settle(before < SEATS_MAX);
    }, after_ms);
  }

  #settle(seated) {
    const was = this.#seated;
    this.#seated = seated ? 'yes' : 'no';
    if (was === 'asked' && seated) this.#given();
    if (was === 'yes' && !seated) this.#lost();
  }

  /** Whether this tab stands after another one. */
  #isAfter(id, looked_at) {
    return looked_at > this.#looked_at || (looked_at === this.#looked_at && id > this.#id);
  }

  #tell(kind) {
    this.#channel?.postMessage({ kind, id: this.#id, looked_at: this.#looked_at });
  }
}

/** Whether the page came over HTTP/1, where the tabs of a browser share a few connections. */
export function sharesConnections() {
  const [page] = performance.getEntriesByType?.('navigation') ?? [];
  const protocol = page?.nextHopProtocol ?? '';
  // A browser that does not tell speaks HTTP/2 over TLS alone.
  return protocol === '' ? globalThis.location?.protocol === 'http:' : protocol.startsWith('http/');
}

/** Whether a request goes through: other pages may hold the connections that the tabs of the console leave over. */
export function hasSpareConnection() {
  const signal = AbortSignal.timeout(SPARE_MS);
  return fetch(`${HUB}healthz`, { cache: 'no-store', signal }).then(() => true, () => false);
}

function isHidden() {
  return globalThis.document?.hidden === true;
}
