// One subscription over the network: asks, hears, waits, and asks again where the stream broke off.

import { type Ask, carryByFetch, type Hear, type Transport } from "./carry.js";
import { delayOf, RETRY_MS } from "./delay.js";
import type { StreamEvent } from "./event.js";
import { asFailure, Failure } from "./failure.js";
import type { Ladder } from "./ladder.js";
import { watchPage } from "./page.js";
import { listenFor, type Silence } from "./silence.js";

/** How a subscription asks. */
export interface Plan {
  /** The transport that is used as long as nothing speaks against it. */
  readonly transport: Transport;
  /** The others. They are loaded when the first one does not get through; or at the beginning, if another one was better last time. */
  readonly loadLadder?: (() => Promise<Ladder>) | undefined;
  readonly isLadderNeeded?: boolean;
  /** Makes the request of one attempt; tokens and signed URLs are fetched here. `isFirst`: the first one over this transport. */
  ask(transport: Transport, id: string, isFirst: boolean): Promise<Ask>;
  /** Whether to come back after this failure. `wasRefused`: the attempt before was answered 401. */
  isPassing(failure: Failure, wasRefused: boolean): boolean;
  /** Milliseconds without a byte after which a connection counts as dead. Without it the heartbeats decide. */
  readonly silenceMs?: number | undefined;
  /** How often the hub says something at least, until it tells. */
  readonly heartbeatMs?: number | undefined;
  /** Milliseconds to stay away where the hub says nothing. */
  readonly retryMs?: number | undefined;
}

export type State = "connecting" | "open" | "waiting" | "closed";

/** Hears what a subscription brings. */
export interface SourceListener {
  /** `retryInMs`: while it waits, when the next attempt begins. */
  state(state: State, retryInMs?: number): void;
  transport(transport: Transport): void;
  /** The hub has agreed; `origin` is that of the final URL. */
  open(origin: string): void;
  event(event: StreamEvent): void;
  id(id: string): void;
  /** An attempt has ended: as it should, if `failure` is undefined. `afterMs`: when the next one begins. */
  ended(failure: Failure | undefined, willRetry: boolean, afterMs: number): void;
  /** Waits until there is room for more events. */
  room(): Promise<unknown> | undefined;
}

/** A hub of tidings says something this often, until it tells another time. */
const HEARTBEAT_MS = 15_000;
/** Heartbeats that may fail to come before a connection counts as dead. */
const HEARTBEATS_MISSED = 2.5;
/** The same once the machine has woken up or has a network again, because what slept is often dead. */
const HEARTBEATS_MISSED_AT_WAKE = 1.2;
/** A stream begins with bytes. If none come for so long, and there is another transport, something holds them back. */
const FIRST_BYTES_MS = 4_000;
/** A long poll may be silent for so long, beyond its own wait. */
const POLL_MS = 35_000;
/** A connection that has lasted for so long was a good one: the next failure is the first one again. */
const HEALTHY_MS = 5_000;
/** What a page that nobody sees waits at least, after a failure and between polls that do not wait. */
const HIDDEN_MS = 15_000;
/** What a page waits at least where the browser says that there is no network. The hub may be on the same machine. */
const OFFLINE_MS = 30_000;
/** Access is renewed so long before it ends. */
const RENEW_MS = 10_000;
const TIMER_MS_MAX = 2 ** 31 - 1;

export class Source {
  readonly #plan: Plan;
  readonly #listener: SourceListener;
  readonly #hear: Hear;
  /** Ends what watches the page. */
  readonly #life = new AbortController();
  #ladder: Ladder | undefined;
  #id: string;
  #retryMs: number;
  #heartbeatMs: number;
  /** Failures in a row. */
  #failures = 0;
  /** The newest attempt was answered 401. */
  #wasRefused = false;
  /** The browser has put the page aside. */
  #isAside = false;
  #hurry: (() => void) | undefined;
  // Of the newest attempt.
  #transport: Transport | undefined;
  #abort: AbortController | undefined;
  #silence: Silence | undefined;
  #renewal: ReturnType<typeof setTimeout> | undefined;
  #wasHeard = false;
  #isSilent = false;
  /** It is the next poll after one that went well: for the page the stream has not ended in between. */
  #goesOn = false;

  constructor(plan: Plan, listener: SourceListener, id = "") {
    this.#plan = plan;
    this.#listener = listener;
    this.#id = id;
    this.#retryMs = plan.retryMs ?? RETRY_MS;
    this.#heartbeatMs = plan.heartbeatMs ?? HEARTBEAT_MS;
    this.#hear = {
      open: (origin) => {
        if (this.#goesOn) return;
        listener.state("open");
        listener.open(origin);
      },
      bytes: () => {
        this.#silence?.heard(this.#silenceMs);
        if (!this.#wasHeard) this.#ladder?.works();
        this.#wasHeard = true;
      },
      event: (event) => listener.event(event),
      id: (id) => listener.id((this.#id = id)),
      retry: (ms) => (this.#retryMs = ms),
      heartbeat: (ms) => (this.#heartbeatMs = ms),
      room: () => this.#room(),
    };
  }

  /** Begins. Nothing is told before it returns. */
  start(): void {
    const sleep = () => {
      this.#isAside = true;
      // A browser does not keep a page that is connected.
      this.#abort?.abort();
    };
    watchPage({ wake: () => this.wake(), sleep }, this.#life.signal);
    void Promise.resolve().then(() => this.#run());
  }

  /** Ends. */
  close(): void {
    this.#life.abort();
    this.restart();
    this.#listener.state("closed");
  }

  /** Asks anew, at the place where it is. */
  restart(): void {
    this.#abort?.abort();
    this.#hurry?.();
  }

  /** Connects now if it waits, and is soon done with a connection that has died meanwhile. */
  wake(): void {
    this.#isAside = false;
    this.#hurry?.();
    this.#silence?.check(Math.min(this.#silenceMs, this.#heartbeatMs * HEARTBEATS_MISSED_AT_WAKE));
  }

  async #run(): Promise<void> {
    if (this.#plan.isLadderNeeded) await this.#loadLadder();
    while (!this.#isClosed) {
      const { signal } = (this.#abort = new AbortController());
      const begun = Date.now();
      const thrown = await this.#attempt(signal).catch(asFailure);
      clearTimeout(this.#renewal);
      this.#silence?.stop();
      const failure = this.#isSilent ? new Failure("the connection is silent") : thrown;
      if (this.#isClosed) return;
      // What it has left by itself is asked for again at once, but for a page that the browser has put aside.
      if (this.#isSilent || !signal.aborted) await this.#settle(failure, Date.now() - begun);
      if (this.#isAside) await this.#sleep();
    }
  }

  /** One attempt, until it has ended. */
  async #attempt(signal: AbortSignal): Promise<undefined> {
    const ladder = this.#ladder;
    const transport = ladder?.next() ?? this.#plan.transport;
    const isFirst = transport !== this.#transport;
    this.#transport = transport;
    this.#wasHeard = this.#isSilent = false;
    this.#goesOn &&= !isFirst;
    if (!this.#goesOn) this.#listener.state("connecting");
    if (isFirst) this.#listener.transport(transport);
    const ask = await this.#plan.ask(transport, this.#id, isFirst);
    if (signal.aborted) return;
    const mayStepDown = (ladder ? ladder.hasNext : this.#plan.loadLadder) && !transport.endsWith("poll");
    const silent = () => {
      this.#isSilent = true;
      this.#abort?.abort();
    };
    this.#silence = listenFor(silent, mayStepDown ? FIRST_BYTES_MS : this.#silenceMs);
    void ask.until?.then((end = 0) => {
      const leftMs = end - Date.now() - RENEW_MS;
      if (leftMs > 0 && !signal.aborted) this.#renewal = setTimeout(() => this.restart(), Math.min(leftMs, TIMER_MS_MAX));
    });
    await (ask.carry ?? carryByFetch)(ask, this.#hear, signal);
    return;
  }

  /** If it cannot be loaded, the network fails as a whole: the transport is not to blame. */
  async #loadLadder(): Promise<void> {
    this.#ladder ??= await this.#plan.loadLadder?.().catch(() => undefined);
  }

  /** A page that has no room for more reads nothing, so that nothing is heard meanwhile. */
  #room(): Promise<unknown> | undefined {
    const silence = this.#silence;
    const room = this.#listener.room();
    if (room) silence?.stop();
    return room?.then(() => silence?.heard(this.#silenceMs));
  }

  /** After an attempt: says what came of it, and waits. */
  async #settle(failure: Failure | undefined, lastedMs: number): Promise<void> {
    const [wasHeard, isSilent] = [this.#wasHeard, this.#isSilent];
    const willRetry = !failure || this.#plan.isPassing(failure, this.#wasRefused);
    this.#wasRefused = failure?.status === 401;
    if (isSilent) await this.#loadLadder();
    if (this.#ladder?.stepsDown({ failure, isSilent, wasHeard, lastedMs })) return;
    if (wasHeard && (!failure || lastedMs >= HEALTHY_MS)) this.#failures = 0;
    // An answer that has said nothing is not one to ask for again and again.
    if (failure || !wasHeard) this.#failures += 1;
    const leastMs = failure?.retryAfterMs ?? 0;
    const isPaced = failure || this.#transport === "poll";
    const hiddenMs = isPaced && globalThis.document?.hidden ? HIDDEN_MS : 0;
    const offlineMs = globalThis.navigator?.onLine === false ? OFFLINE_MS : 0;
    const afterMs = Math.max(delayOf(this.#retryMs, this.#failures), leastMs, hiddenMs, offlineMs);
    this.#goesOn = !failure && !!this.#transport?.endsWith("poll");
    if (!willRetry) this.close();
    else if (!this.#goesOn) this.#listener.state("waiting", afterMs);
    this.#listener.ended(failure, willRetry, afterMs);
    if (!this.#isClosed) await this.#sleep(afterMs, leastMs);
  }

  /** Waits until the time is over, or until it is woken, though not before `leastMs`. */
  #sleep(ms = Infinity, leastMs = 0): Promise<void> {
    const notBefore = Date.now() + leastMs;
    return new Promise((resolve) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const wait = (ms: number) => {
        clearTimeout(timer);
        timer = setTimeout(resolve, Math.min(ms, TIMER_MS_MAX));
      };
      wait(ms);
      this.#hurry = () => wait(this.#isClosed ? 0 : Math.max(notBefore - Date.now(), 0));
    });
  }

  get #silenceMs(): number {
    const pollMs = this.#transport === "long-poll" ? POLL_MS : 0;
    return this.#plan.silenceMs ?? Math.max(this.#heartbeatMs * HEARTBEATS_MISSED, pollMs);
  }

  get #isClosed(): boolean {
    return this.#life.signal.aborted;
  }
}
