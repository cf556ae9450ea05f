// One subscription over the network: asks, hears, waits, and asks again where the stream broke off.

import type { Ask, Carry, Hear, Transport } from "./carry.js";
import { delayOf, pauseOf, RETRY_MS } from "./delay.js";
import type { StreamEvent } from "./event.js";
import { asFailure, type Failure, Silent } from "./failure.js";
import type { Ladder } from "./ladder.js";
import { isHidden, isOffline, watchPage } from "./page.js";
import { Silence } from "./silence.js";

/** How a subscription asks. */
export interface Plan {
  readonly ladder: Ladder;
  carry(transport: Transport): Carry | Promise<Carry>;
  /** Makes the request of one attempt; tokens and signed URLs are fetched here. `isFirst`: the first one over this transport. */
  ask(transport: Transport, id: string, isFirst: boolean): Promise<Ask>;
  /** Whether to come back after this failure. `failures`: how many came before it, in a row. */
  isPassing(failure: Failure, failures: number): boolean;
  /** Milliseconds without a byte after which a connection counts as dead. Without it the heartbeats decide. */
  readonly silenceMs?: number | undefined;
  /** How often the hub says something at least, until it tells. */
  readonly heartbeatMs?: number | undefined;
  /** Milliseconds to stay away where the hub says nothing. */
  readonly retryMs?: number | undefined;
}

export type State = "connecting" | "open" | "waiting" | "closed";

export interface SourceListener {
  state(state: State): void;
  transport(transport: Transport): void;
  /** The hub has agreed; `origin` is that of the final URL. */
  open(origin: string): void;
  event(event: StreamEvent, origin: string): void;
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
/** What a page that nobody sees waits after a failure, at least. */
const HIDDEN_MS = 15_000;
/** Access is renewed so long before it ends. */
const RENEW_MS = 10_000;
const TIMER_MS_MAX = 2 ** 31 - 1;

/** What came of an attempt, beside a failure. */
const ENDED = "ended";
/** The client itself has left it, to begin another one. */
const LEFT = "left";

export class Source {
  readonly #plan: Plan;
  readonly #listener: SourceListener;
  #state: State = "closed";
  #id: string;
  #retryMs: number;
  #heartbeatMs: number;
  #transport: Transport | undefined;
  /** Failures in a row. */
  #failures = 0;
  #wasHeard = false;
  #abort: AbortController | undefined;
  #silence: Silence | undefined;
  #hurry: (() => void) | undefined;
  #isAside = false;
  #unwatch: (() => void) | undefined;

  constructor(plan: Plan, listener: SourceListener, id = "") {
    this.#plan = plan;
    this.#listener = listener;
    this.#id = id;
    this.#retryMs = plan.retryMs ?? RETRY_MS;
    this.#heartbeatMs = plan.heartbeatMs ?? HEARTBEAT_MS;
  }

  /** Begins. Nothing is told before it returns. */
  start(): void {
    this.#unwatch = watchPage({ wake: () => this.wake(), sleep: () => this.#putAside() });
    this.#say("connecting");
    void Promise.resolve().then(() => this.#run());
  }

  /** Ends, without a word. */
  close(): void {
    this.#unwatch?.();
    this.#say("closed");
    this.restart();
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

  /** A browser does not keep a page that is connected. */
  #putAside(): void {
    this.#isAside = true;
    this.#abort?.abort();
  }

  async #run(): Promise<void> {
    while (this.#state !== "closed") {
      this.#say("connecting");
      const begun = Date.now();
      const outcome = await this.#attempt();
      if (this.#isClosed) return;
      if (outcome !== LEFT) await this.#settle(outcome === ENDED ? undefined : outcome, Date.now() - begun);
      if (this.#isAside) await this.#sleep();
    }
  }

  /** One attempt, until it has ended. */
  async #attempt(): Promise<Failure | typeof ENDED | typeof LEFT> {
    const abort = (this.#abort = new AbortController());
    const { ladder } = this.#plan;
    const transport = ladder.next();
    const isFirst = transport !== this.#transport;
    let silent: Failure | undefined;
    let renewal: ReturnType<typeof setTimeout> | undefined;
    if (isFirst) this.#listener.transport((this.#transport = transport));
    this.#wasHeard = false;
    try {
      const [carry, ask] = await Promise.all([this.#plan.carry(transport), this.#plan.ask(transport, this.#id, isFirst)]);
      if (abort.signal.aborted) return LEFT;
      this.#silence = new Silence(ladder.hasNext && !transport.endsWith("poll") ? FIRST_BYTES_MS : this.#silenceMs, () => {
        silent = new Silent();
        abort.abort();
      });
      void ask.until?.then((end = 0) => {
        const leftMs = end - Date.now() - RENEW_MS;
        if (leftMs > 0) renewal = setTimeout(() => abort.abort(), Math.min(leftMs, TIMER_MS_MAX));
        if (abort.signal.aborted) clearTimeout(renewal);
      });
      await carry(ask, this.#ears(abort.signal), abort.signal);
      return silent ?? (abort.signal.aborted ? LEFT : ENDED);
    } catch (thrown) {
      return silent ?? (abort.signal.aborted ? LEFT : asFailure(thrown));
    } finally {
      clearTimeout(renewal);
      this.#silence?.stop();
      this.#silence = undefined;
      abort.abort();
    }
  }

  /** What one attempt tells. After its end nothing is heard of it. */
  #ears(signal: AbortSignal): Hear {
    let origin = "";
    const listener = this.#listener;
    return {
      open: (from) => {
        origin = from;
        if (signal.aborted) return;
        this.#say("open");
        listener.open(origin);
      },
      bytes: () => {
        this.#silence?.heard(this.#silenceMs);
        if (!this.#wasHeard) this.#plan.ladder.works();
        this.#wasHeard = true;
      },
      event: (event) => signal.aborted || listener.event(event, origin),
      id: (id) => {
        if (signal.aborted) return;
        this.#id = id;
        listener.id(id);
      },
      retry: (ms) => (this.#retryMs = ms),
      heartbeat: (ms) => (this.#heartbeatMs = ms),
      room: () => this.#room(),
    };
  }

  /** A page that has no room for more reads nothing, so that nothing is heard meanwhile. */
  #room(): Promise<unknown> | undefined {
    const room = this.#listener.room();
    const silence = this.#silence;
    if (!room) return undefined;
    silence?.stop();
    return room.then(() => silence?.heard(this.#silenceMs, true));
  }

  /** After an attempt: says what came of it, and waits. */
  async #settle(failure: Failure | undefined, lastedMs: number): Promise<void> {
    const { ladder } = this.#plan;
    const willRetry = !failure || this.#plan.isPassing(failure, this.#failures);
    const steps = ladder.stepsDown({ failure, wasHeard: this.#wasHeard, lastedMs });
    if (steps) return;
    if (lastedMs >= HEALTHY_MS && this.#wasHeard) this.#failures = 0;
    // An answer that ended at once and said nothing is not one to ask for again and again.
    if (failure || !this.#wasHeard) this.#failures += 1;
    else this.#failures = 0;
    const waitMs = this.#failures ? delayOf(this.#retryMs, this.#failures) : pauseOf(this.#retryMs);
    const afterMs = Math.max(waitMs, failure?.retryAfterMs ?? 0, failure && isHidden() ? HIDDEN_MS : 0);
    if (willRetry) this.#say("waiting");
    else this.close();
    this.#listener.ended(failure, willRetry, afterMs);
    if (!this.#isClosed) await this.#sleep(isOffline() ? undefined : afterMs, failure?.retryAfterMs);
  }

  /** Waits until the time is over, or until it is woken, though not before `leastMs`. */
  #sleep(ms?: number, leastMs = 0): Promise<void> {
    const notBefore = Date.now() + leastMs;
    return new Promise((resolve) => {
      const wakeUp = () => {
        clearTimeout(timer);
        this.#hurry = undefined;
        resolve();
      };
      let timer = ms === undefined ? undefined : setTimeout(wakeUp, Math.min(ms, TIMER_MS_MAX));
      this.#hurry = () => {
        const leftMs = notBefore - Date.now();
        if (leftMs <= 0 || this.#isClosed) return wakeUp();
        clearTimeout(timer);
        timer = setTimeout(wakeUp, leftMs);
      };
    });
  }

  get #silenceMs(): number {
    const pollMs = this.#transport === "long-poll" ? POLL_MS : 0;
    return this.#plan.silenceMs ?? Math.max(this.#heartbeatMs * HEARTBEATS_MISSED, pollMs);
  }

  get #isClosed(): boolean {
    return this.#state === "closed";
  }

  #say(state: State): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#listener.state(state);
  }
}
