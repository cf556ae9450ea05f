// One answer of documents of JSON, told as a stream of events would be: the same calls in the same order.

import type { Hear } from "./carry.js";
import type { Problem } from "./failure.js";

/** A document of JSON as the hub says it. Its members tell what it is; those that are not known here are left alone. */
export interface Said {
  id?: string;
  cursor?: string;
  topic?: string;
  type?: string;
  data?: string;
  time?: string;
  retry?: number;
  heartbeat_ms?: number;
  retry_ms?: number;
  connection?: string;
  gap?: { resumes_after: string };
  error?: Problem;
}

/** Events of the hub's own that a stream has and documents say by their members. */
const OPEN = "tidings.open";
const CURSOR = "tidings.cursor";
const GAP = "tidings.gap";
const EXPIRED = "tidings.expired";

/** Types that a page has to name, or its `EventSource` does not show them. */
export const OWN_TYPES = [OPEN, CURSOR, GAP, EXPIRED, "tidings.partial", "tidings.presence"];

export class Answer {
  readonly hear: Hear;
  readonly #origin: string;
  #id: string;
  #isOpen = false;
  #resolve!: (thrown?: unknown) => void;
  #stop: (() => void) | undefined;
  #isEnded = false;
  /** With what was thrown, if the answer ended too early. */
  readonly ended: Promise<unknown> = new Promise((resolve) => (this.#resolve = resolve));
  /** Whether the hub has said where the stream begins, or more. */
  hasBegun = false;
  /** Why the hub refuses, if it does. */
  refusal: Problem | undefined;
  /** When to come back, once the hub has said that the end follows. */
  retryMs: number | undefined;
  /** What is waited for until the page has room for more. */
  room: Promise<unknown> | undefined;

  /** `origin`: of the hub. `id`: where it goes on. */
  constructor(hear: Hear, origin: string, id: string) {
    this.hear = hear;
    this.#origin = origin;
    this.#id = id;
  }

  /** What ends that which brings it. */
  set stop(stop: () => void) {
    this.#stop = stop;
    if (this.#isEnded) stop();
  }

  /** Nothing is told from then on. */
  end(thrown?: unknown): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#stop?.();
    this.#resolve(thrown);
  }

  /** The hub has agreed. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.hear.open(this.#origin);
  }

  /** A document has come, or its text. */
  say(document: unknown): void {
    if (this.#isEnded) return;
    try {
      const said = typeof document === "string" ? JSON.parse(document) : document;
      if (said !== null && typeof said === "object") this.#tell(said);
    } catch (thrown) {
      this.end(thrown);
    }
  }

  /** An event of the hub's own, with its id if it has one. */
  own(type: string, data: string, id = this.#id): void {
    if (this.#isEnded) return;
    this.#heard();
    this.#place(id);
    this.#event({ type, data });
    this.#wait();
  }

  #tell(said: Said): void {
    const { id, cursor, type, data = "", gap, error, connection } = said;
    if (error) return this.#fail(error);
    if (said.retry_ms !== undefined) this.hear.retry((this.retryMs = said.retry_ms));
    // Without a place it is an answer without a stream.
    if (cursor === undefined && said.retry_ms !== undefined) return;
    if (said.heartbeat_ms) this.hear.heartbeat(said.heartbeat_ms);
    this.#heard();
    if (gap) {
      this.#place(gap.resumes_after);
      this.#event({ type: GAP, data: JSON.stringify(gap) });
    }
    if (id !== undefined) {
      if (said.retry !== undefined) this.hear.retry(said.retry);
      this.#place(id);
      this.#event(said);
    } else if (type !== undefined) this.#event({ type, data });
    else if (cursor !== undefined) {
      this.#place(cursor);
      const { heartbeat_ms, time } = said;
      if (connection) this.#event({ type: OPEN, data: JSON.stringify({ cursor, heartbeat_ms, time, connection }) });
      else if (!heartbeat_ms && this.retryMs === undefined) this.#event({ type: CURSOR, data: JSON.stringify({ cursor }) });
    }
    this.#wait();
  }

  /** A stream that has begun says in this way that what let it in is over. */
  #fail(error: Problem): void {
    if (this.hasBegun) this.own(EXPIRED, JSON.stringify({ reason: error.detail ?? error.title }));
    else this.refusal = error;
  }

  #heard(): void {
    this.open();
    this.hasBegun = true;
    this.hear.bytes();
  }

  #place(id: string): void {
    this.hear.id((this.#id = id));
  }

  #event({ type = "message", data = "", topic = "", time = "" }: Said): void {
    this.hear.event({ type, data, id: this.#id, topic, time });
  }

  /** None of these transports can be told to wait. If the page has no room, the answer ends, and the next one goes on. */
  #wait(): void {
    this.room = this.hear.room();
    if (this.room) this.end();
  }
}
