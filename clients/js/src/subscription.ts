// A subscription: events for the page, whatever brings them.

import type { Transport } from "./carry.js";
import { GAP, isNews, type StreamEvent } from "./event.js";
import { type ErrorEvent, errorOf, type GapEvent, gapOf, type StateChangeEvent, TidingsEvent, type TransportEvent } from "./events.js";
import type { Failure } from "./failure.js";
import type { Place } from "./place.js";
import type { SourceListener, State } from "./source.js";

/** What brings the events: a connection of this page, or one that tabs share. */
export interface Feed {
  /** Begins. Nothing is told before it returns. */
  start(): void;
  /** Ends. Nothing but the state is told from then on. */
  close(): void;
}

/** Called at a gap, so that the page can load its state anew. Events wait until what it returns has settled. */
export type Refetch = (gap: GapEvent) => unknown;

/** Events by their types. Every other type is one of a publisher. */
export interface SubscriptionEvents {
  open: Event;
  message: TidingsEvent;
  gap: GapEvent;
  error: ErrorEvent;
  transport: TransportEvent;
  statechange: StateChangeEvent;
}

/** How a subscription is set up; `subscribe` and `EventSource` know. */
export interface Setup {
  feedOf(listener: SourceListener, id: string): Feed;
  place: Place;
  refetch?: Refetch | undefined;
  signal?: AbortSignal | undefined;
  /** As the standard has it: `error` also tells that an answer has ended as it should, and publishers may use every type. */
  isStandard?: boolean;
}

/** Types of events that the client makes itself. */
const OWN = ["open", "gap", "error", "transport", "statechange"];

/** Events that may wait for the page before the client reads no more. */
const WAITING_MAX = 1_000;

/** An iteration: what it has not taken yet. */
interface Waiting {
  events: TidingsEvent[];
  wake?: (() => void) | undefined;
}

export class Subscription extends EventTarget implements AsyncIterable<TidingsEvent> {
  readonly #setup: Setup;
  readonly #feed: Feed;
  readonly #iterations = new Set<Waiting>();
  #state: State = "connecting";
  #transport: Transport = "sse";
  #origin = "";
  /** The place of what has come. */
  #newest: string;
  /** Why it is closed, if the hub has refused. */
  #failure: Failure | undefined;
  /** What came since a refetch began; undefined while there is none. */
  #held: (() => void)[] | undefined;
  /** Wakes the feed, which waits for room. */
  #makeRoom: (() => void) | undefined;

  /** Use `subscribe`. */
  constructor(setup: Setup) {
    super();
    this.#setup = setup;
    const { place, signal } = setup;
    this.#newest = place.id;
    const listener: SourceListener = {
      state: (state, retryInMs) => this.#changeState(state, retryInMs),
      transport: (transport) => {
        this.#transport = transport;
        this.#tell("transport", { transport });
      },
      open: (origin) => {
        this.#origin = origin;
        this.#tell("open");
      },
      event: (event) => this.#inTurn(() => this.#hear(event)),
      id: (id) =>
        this.#inTurn(() => {
          this.#newest = id;
          // An iteration is where it has taken the events, and not where they have come.
          if (!this.#iterations.size) place.id = id;
          this.#wake();
        }),
      ended: (failure, willRetry, afterMs) => {
        if (failure) this.#tell("error", errorOf(failure, willRetry, afterMs));
        else if (setup.isStandard) this.#tell("error");
        if (willRetry) return;
        this.#failure = failure;
        this.close();
      },
      room: () => (this.#isFull ? new Promise<void>((resolve) => (this.#makeRoom = resolve)) : undefined),
    };
    this.#feed = setup.feedOf(listener, place.id);
    signal?.addEventListener("abort", this.#close);
    if (signal?.aborted) this.#state = "closed";
    else this.#feed.start();
  }

  /** Whether the hub is connected, is asked, or is to be asked later. */
  get state(): State {
    return this.#state;
  }

  /** What carries the events. */
  get transport(): Transport {
    return this.#transport;
  }

  /** Where another subscription would go on: behind what was heard, or what an iteration has taken. Empty before the first place is told. */
  get lastEventId(): string {
    return this.#setup.place.id;
  }

  /** Ends it, and all iterations. */
  close(): void {
    this.#changeState("closed");
    this.#setup.signal?.removeEventListener("abort", this.#close);
    this.#feed.close();
    this.#wake();
    this.#makeRoom?.();
  }

  /** All events and gaps from now on. It throws a `Failure` where the hub refuses for good. To leave it closes the subscription. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TidingsEvent, void, undefined> {
    const waiting: Waiting = { events: [] };
    this.#iterations.add(waiting);
    try {
      for (;;) {
        const event = waiting.events.shift();
        this.#setup.place.id = event ? event.lastEventId : this.#newest;
        if (!this.#isFull) this.#makeRoom?.();
        if (event) yield event;
        else if (this.#failure) throw this.#failure;
        else if (this.#state === "closed") return;
        else await new Promise<void>((resolve) => (waiting.wake = resolve));
      }
    } finally {
      this.#iterations.delete(waiting);
      this.close();
    }
  }

  readonly #close = () => this.close();

  #changeState(state: State, retryInMs = 0): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#tell("statechange", { state, retryInMs });
  }

  #tell(type: string, members?: object): void {
    this.dispatchEvent(Object.assign(new Event(type), members));
  }

  #hear(event: StreamEvent): void {
    const heard = new TidingsEvent(event, this.#origin);
    const gap = event.type === GAP && gapOf(event, this.#origin);
    if (isNews(event)) this.#offer(heard);
    // What a publisher calls `error` would be taken for one of the client's. Iterations have it.
    if (this.#setup.isStandard || !OWN.includes(event.type)) this.dispatchEvent(heard);
    if (!gap) return;
    this.#offer(gap);
    this.dispatchEvent(gap);
    const { refetch } = this.#setup;
    if (!refetch || this.#state === "closed") return;
    this.#held = [];
    // If the page fails to load its state, its tools show that, and the events go on.
    void new Promise((resolve) => resolve(refetch(gap))).finally(() => this.#release());
  }

  #offer(event: TidingsEvent): void {
    for (const { events } of this.#iterations) events.push(event);
    this.#wake();
  }

  #wake(): void {
    for (const { wake } of this.#iterations) wake?.();
  }

  /** Does it now, or once the page has loaded its state. */
  #inTurn(task: () => void): void {
    if (this.#held) this.#held.push(task);
    else if (this.#state !== "closed") task();
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    // One of them may be another gap.
    for (const task of held) this.#inTurn(task);
    this.#makeRoom?.();
  }

  get #isFull(): boolean {
    return [{ events: this.#held ?? [] }, ...this.#iterations].some(({ events }) => events.length >= WAITING_MAX);
  }
}

/** What is called with an event. */
type Listener<E> = ((event: E) => unknown) | { handleEvent(event: E): unknown } | null;

export interface Subscription {
  addEventListener<K extends keyof SubscriptionEvents>(
    type: K,
    listener: Listener<SubscriptionEvents[K]>,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: Listener<TidingsEvent>, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<K extends keyof SubscriptionEvents>(
    type: K,
    listener: Listener<SubscriptionEvents[K]>,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(type: string, listener: Listener<TidingsEvent>, options?: boolean | EventListenerOptions): void;
}
