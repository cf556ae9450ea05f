// One subscription over the network: asks, hears, waits, and asks again where the stream broke off.

import { type Ask, carryByFetch, type Hear, type Transport } from "./carry.js";
import { delayOf, RETRY_MS } from "./delay.js";
import type { StreamEvent } from "./event.js";
import { Failure } from "./failure.js";
import type { Ladder } from "./ladder.js";
import { watchPage } from "./page.js";
import { asFailure } from "./refusal.js";
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
/** The same for a stream by `POST`: what holds back the first one may hold back this one, and polls come next. */
const POST_FIRST_BYTES_MS = 2_500;
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

/** One subscription over the network. */
export interface Source {
  /** Begins. Nothing is told before it returns. */
  start(): void;
  /** Ends. */
  close(): void;
  /** Asks anew, at the place where it is. */
  restart(): void;
  /** Connects now if it waits, and is soon done with a connection that has died meanwhile. */
  wake(): void;
}

export function sourceOf(plan: Plan, listener: SourceListener, id = ""): Source {
  let { retryMs = RETRY_MS, heartbeatMs = HEARTBEAT_MS } = plan;
  /** Ends what watches the page. */
  const life = new AbortController();
  let ladder: Ladder | undefined;
  /** Failures in a row. */
  let failures = 0;
  /** The newest attempt was answered 401. */
  let wasRefused = false;
  /** The browser has put the page aside. */
  let isAside = false;
  let hurry: (() => void) | undefined;
  // Of the newest attempt.
  let transport: Transport | undefined;
  let abort: AbortController | undefined;
  let silence: Silence | undefined;
  let renewal: ReturnType<typeof setTimeout> | undefined;
  let wasHeard = false;
  let isSilent = false;
  /** It is the next poll after one that went well: for the page the stream has not ended in between. */
  let goesOn = false;

  const hear: Hear = {
    open(origin) {
      if (goesOn) return;
      listener.state("open");
      listener.open(origin);
    },
    bytes() {
      silence?.heard(silenceMs());
      if (!wasHeard) ladder?.works();
      wasHeard = true;
    },
    event: (event) => listener.event(event),
    id(heard) {
      // What is heard of is progress. The same place again may come from a hub that fails each time.
      if (heard !== id) failures = 0;
      listener.id((id = heard));
    },
    retry: (ms) => (retryMs = ms),
    heartbeat: (ms) => (heartbeatMs = ms),
    /** A page that has no room for more reads nothing, so that nothing is heard meanwhile. */
    room() {
      const [heard, room] = [silence, listener.room()];
      if (room) heard?.stop();
      return room?.then(() => heard?.heard(silenceMs()));
    },
  };

  async function run(): Promise<void> {
    if (plan.isLadderNeeded) await loadLadder();
    while (!isClosed()) {
      const { signal } = (abort = new AbortController());
      const begun = Date.now();
      const thrown = await attempt(signal).catch(asFailure);
      clearTimeout(renewal);
      silence?.stop();
      const failure = isSilent ? new Failure("the connection is silent") : thrown;
      if (isClosed()) return;
      // What it has left by itself is asked for again at once, but for a page that the browser has put aside.
      if (isSilent || !signal.aborted) await settle(failure, Date.now() - begun);
      if (isAside) await sleep();
    }
  }

  /** One attempt, until it has ended. */
  async function attempt(signal: AbortSignal): Promise<undefined> {
    const before = transport;
    transport = ladder?.next() ?? plan.transport;
    const isFirst = transport !== before;
    wasHeard = isSilent = false;
    goesOn &&= !isFirst;
    if (!goesOn) listener.state("connecting");
    if (isFirst) listener.transport(transport);
    const mayStepDown = (ladder ? ladder.hasNext : plan.loadLadder) && !transport.endsWith("poll");
    const ask = await plan.ask(transport, id, isFirst);
    if (signal.aborted) return;
    const silent = () => {
      isSilent = true;
      abort?.abort();
    };
    const firstMs = transport === "post" ? POST_FIRST_BYTES_MS : FIRST_BYTES_MS;
    silence = listenFor(silent, mayStepDown ? firstMs : silenceMs());
    void ask.until?.then((end = 0) => {
      const leftMs = end - Date.now() - RENEW_MS;
      if (leftMs > 0 && !signal.aborted) renewal = setTimeout(restart, Math.min(leftMs, TIMER_MS_MAX));
    });
    await (ask.carry ?? carryByFetch)(ask, hear, signal);
    return;
  }

  /** If it cannot be loaded, the network fails as a whole: the transport is not to blame. */
  async function loadLadder(): Promise<void> {
    ladder ??= await plan.loadLadder?.().catch(() => undefined);
  }

  /** After an attempt: says what came of it, and waits. */
  async function settle(failure: Failure | undefined, lastedMs: number): Promise<void> {
    const tried = { failure, isSilent, wasHeard, lastedMs };
    const willRetry = !failure || plan.isPassing(failure, wasRefused);
    wasRefused = failure?.status === 401;
    if (isSilent) await loadLadder();
    if (ladder?.stepsDown(tried)) return;
    if (wasHeard && (!failure || lastedMs >= HEALTHY_MS)) failures = 0;
    // An answer that has said nothing is not one to ask for again and again.
    if (failure || !wasHeard) failures += 1;
    const leastMs = failure?.retryAfterMs ?? 0;
    const isPaced = failure || transport === "poll";
    const hiddenMs = isPaced && globalThis.document?.hidden ? HIDDEN_MS : 0;
    const offlineMs = globalThis.navigator?.onLine === false ? OFFLINE_MS : 0;
    const afterMs = Math.max(delayOf(retryMs, failures), leastMs, hiddenMs, offlineMs);
    goesOn = !failure && !!transport?.endsWith("poll");
    if (!willRetry) close();
    else if (!goesOn) listener.state("waiting", afterMs);
    listener.ended(failure, willRetry, willRetry ? afterMs : 0);
    if (!isClosed()) await sleep(afterMs, leastMs);
  }

  /** Waits until the time is over, or until it is woken, though not before `leastMs`. */
  function sleep(ms = Infinity, leastMs = 0): Promise<void> {
    const notBefore = Date.now() + leastMs;
    return new Promise((resolve) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const wait = (ms: number) => {
        clearTimeout(timer);
        timer = setTimeout(resolve, Math.min(ms, TIMER_MS_MAX));
      };
      wait(ms);
      hurry = () => wait(isClosed() ? 0 : Math.max(notBefore - Date.now(), 0));
    });
  }

  function silenceMs(): number {
    const pollMs = transport === "long-poll" ? POLL_MS : 0;
    return plan.silenceMs ?? Math.max(heartbeatMs * HEARTBEATS_MISSED, pollMs);
  }

  function isClosed(): boolean {
    return life.signal.aborted;
  }

  function restart(): void {
    abort?.abort();
    hurry?.();
  }

  function close(): void {
    life.abort();
    restart();
    listener.state("closed");
  }

  function wake(): void {
    isAside = false;
    hurry?.();
    silence?.check(Math.min(silenceMs(), heartbeatMs * HEARTBEATS_MISSED_AT_WAKE));
  }

  return {
    start() {
      const putAside = () => {
        isAside = true;
        // A browser does not keep a page that is connected.
        abort?.abort();
      };
      watchPage({ wake, sleep: putAside }, life.signal);
      void Promise.resolve().then(run);
    },
    close,
    restart,
    wake,
  };
}
