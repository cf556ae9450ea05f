// The stream of an inbox, over a connection of this page: blocks become records, each with all that the hub says of it.

import type { Access } from "../access.js";
import type { Transport } from "../carry.js";
import type { ErrorEvent, StateChangeEvent, TidingsEvent } from "../events.js";
import type { Failure } from "../failure.js";
import type { State } from "../source.js";
import { subscribe } from "../subscribe.js";
import type { Subscription } from "../subscription.js";
import { type Block, type Count, countOf, parsed, TYPES } from "./said.js";

/** What the hub has said of one record of its log. */
export interface Recorded {
  readonly blocks: readonly Block[];
  readonly count: Count | undefined;
  /** Where another connection goes on. */
  readonly place: string;
}

/** Hears what happens to an inbox. */
export interface LiveListener {
  state(state: State, retryInMs: number): void;
  /** A connection has begun: the count of the hub is this, whatever was heard before. */
  begins(count: Count): void;
  /** The count is this now, if it is a later one. */
  counts(count: Count): void;
  record(record: Recorded): void;
  /** Something is missing: the list has to be loaded anew. Nothing is told until `follow` is called. */
  lost(isGap: boolean): void;
  failed(failure: Failure | undefined, willRetry: boolean, retryInMs: number): void;
}

/** What brings the changes of an inbox. */
export interface Live {
  /** Everything that is told from the time on at which this resolves is heard: so the list can be asked for. */
  begin(): Promise<void>;
  /** The list has come, which has everything up to this place. */
  follow(position: string): void;
  close(): void;
}

/** Those that an inbox has. */
const TRANSPORTS: readonly Transport[] = ["sse", "long-poll", "poll"];
/** The hub says in these where the stream stands, so the next block may have another id than the one before. */
const PLACES = ["tidings.open", "tidings.cursor", "tidings.expired"];

export interface StreamOptions extends Access {
  transport?: Transport | readonly Transport[] | undefined;
}

/** One connection at a time. */
export class Stream implements Live {
  readonly #inbox: URL;
  readonly #options: StreamOptions;
  readonly #listener: LiveListener;
  #subscription: Subscription | undefined;
  #place = "";

  constructor(inbox: URL, options: StreamOptions, listener: LiveListener) {
    this.#inbox = inbox;
    this.#options = options;
    this.#listener = listener;
  }

  /** Where another connection goes on. */
  get place(): string {
    return this.#place;
  }

  get state(): State {
    return this.#subscription?.state ?? "connecting";
  }

  async begin(): Promise<void> {
    this.close();
  }

  follow(position: string): void {
    this.close();
    const { token, headers, credentials, transport = usual() } = this.#options;
    const source = subscribe(this.#inbox, { token, headers, credentials, transport, share: false, lastEventId: position });
    this.#subscription = source;
    this.#place = position;
    let isNew = true;
    let blocks: Block[] = [];
    /** What the answer has begun with: what was missed comes behind it as one record, which is up to it. */
    let begun: Count | undefined;
    // What has been left may tell the rest of what has come.
    const hear = <E extends Event>(type: string, heard: (event: E) => void) =>
      source.addEventListener(type, (event: Event) => void (source === this.#subscription && heard(event as E)));
    hear("open", () => {
      isNew = true;
      // The rest of this record has not come. It is told again as a whole.
      blocks = [];
    });
    const flush = (count: Count | undefined) => {
      const record = { blocks, count: count ?? begun, place: this.#place };
      blocks = [];
      begun = undefined;
      this.#listener.record(record);
    };
    for (const type of TYPES) {
      hear(type, ({ data, lastEventId }: TidingsEvent) => {
        const isPlaced = lastEventId !== this.#place;
        this.#place = lastEventId;
        if (type !== "unread") {
          blocks.push({ type, data });
          // Without a change of the count, the last block of a record is this one.
          if (isPlaced) flush(undefined);
          return;
        }
        const count = countOf(parsed(data));
        const isRecord = isPlaced || blocks.length > 0;
        const begins = isNew && !blocks.length;
        isNew = false;
        if (begins) this.#listener.begins(count);
        if (isRecord) return flush(count);
        begun = count;
        // The next poll after one that went well begins so, too.
        if (!begins) this.#listener.counts(count);
      });
    }
    for (const type of PLACES) hear(type, ({ lastEventId }: TidingsEvent) => (this.#place = lastEventId));
    hear("gap", () => {
      this.close();
      this.#listener.lost(true);
    });
    hear("statechange", ({ state, retryInMs }: StateChangeEvent) => state === "closed" || this.#listener.state(state, retryInMs));
    hear("error", ({ error, willRetry, retryInMs }: ErrorEvent) => this.#listener.failed(error, willRetry, retryInMs));
  }

  close(): void {
    const source = this.#subscription;
    this.#subscription = undefined;
    source?.close();
  }
}

function usual(): readonly Transport[] {
  return "body" in Response.prototype ? TRANSPORTS : TRANSPORTS.slice(1);
}
