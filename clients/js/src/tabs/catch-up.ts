// Brings a tab from its own place to that of the leader: by polls, which end.

import type { Shown } from "../access.js";
import type { StreamEvent } from "../event.js";
import type { Failure } from "../failure.js";
import type { Source } from "../source.js";
import { ENVELOPE, opened, type Placed } from "./envelope.js";
import type { Kit } from "./kit.js";

export interface CatchUpListener {
  /** A request is about to be made: what is it to show? Rejects if it is not to be made. */
  asks(): Promise<Shown>;
  open(origin: string): void;
  /** An answer begins, so the hub lets this tab in; `time` is that of the hub, or empty. */
  begins(time: string): void;
  event(event: Placed): void;
  place(cursor: string): void;
  /** An answer has ended, which had nothing, or has failed. */
  ended(isEmpty: boolean): void;
  /** No answer has come. Without a failure: the hub had no room, and has said when to come back. */
  failed(failure: Failure | undefined, willRetry: boolean, afterMs: number): void;
}

/** Each answer begins with it, or with a gap and then with it. What has none is no answer. */
const OPEN = "tidings.open";
/** What an answer may have that has nothing: it only says where it stands. */
const QUIET = [OPEN, "tidings.cursor"];

export class CatchUp {
  readonly #source: Source;
  #isClosed = false;
  /** The hub had no room for the last request. */
  #isPutOff = false;

  constructor({ core, planOf, asked, listener: page }: Kit, id: string, listener: CatchUpListener) {
    const url = core.absolute(asked.url as string | URL);
    url.searchParams.set("mode", "poll");
    url.searchParams.set(...ENVELOPE);
    let isEmpty = true;
    let hasBegun = false;
    this.#source = core.sourceOf(
      {
        // A poll is a request like that of a stream, whose answer ends.
        ...planOf({ ...asked, url }, ["sse"]),
        ask: async (...attempt) => {
          isEmpty = true;
          hasBegun = false;
          const { headers, token } = await listener.asks();
          const ask = await planOf({ ...asked, url, headers, token }, ["sse"]).ask(...attempt);
          return { ...ask, carry: opened(core.carryByFetch) };
        },
      },
      {
        state() {},
        transport() {},
        open: (origin) => this.#isClosed || listener.open(origin),
        event: (event: StreamEvent) => {
          // The rest of what has come already may be told behind the end.
          if (this.#isClosed) return;
          if (event.type === OPEN) {
            hasBegun = true;
            listener.begins(timeOf(event));
          }
          isEmpty &&= QUIET.includes(event.type);
          listener.event(event as Placed);
        },
        id: (id) => this.#isClosed || listener.place(id),
        ended: (failure, willRetry, afterMs) => {
          this.#isPutOff = !failure && !hasBegun;
          if (hasBegun && !failure) listener.ended(isEmpty);
          else listener.failed(failure, willRetry, afterMs);
        },
        // One that has ended must not take the turn of what still waits for room.
        room: () => (this.#isClosed ? undefined : page.room()),
      },
      id,
    );
  }

  start(): void {
    this.#source.start();
  }

  /** Asks again without a pause, unless the hub has asked for one. */
  hurry(): void {
    if (this.#isPutOff) return;
    // Its pause begins once it has told that an answer has ended.
    void Promise.resolve().then(() => this.#source.wake());
  }

  close(): void {
    this.#isClosed = true;
    this.#source.close();
  }
}

function timeOf({ data }: StreamEvent): string {
  try {
    return String(JSON.parse(data).time ?? "");
  } catch {
    return "";
  }
}
