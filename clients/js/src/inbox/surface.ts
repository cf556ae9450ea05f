// What a page gives to an inbox, and what it gets of it.

import type { Access } from "../access.js";
import type { Transport } from "../carry.js";
import type { Failure } from "../failure.js";
import type { State } from "../source.js";
import type { Item } from "./item.js";
import type { InboxFilter } from "./ledger.js";
import type { Action } from "./marks.js";

export interface InboxOptions extends Access {
  /** The root of the hub, where only the name of a user is given. That of the page if it is left out. */
  url?: string | URL | undefined;
  /** Which notifications the list has: those that are not archived, if it is left out; `{}` is all. */
  filter?: InboxFilter | undefined;
  /** Whether the tabs of this browser share one connection. True if it is left out. */
  share?: boolean | undefined;
  /** Only this transport, or these, from the best to the last resort: of `sse`, `long-poll` and `poll`. */
  transport?: Transport | readonly Transport[] | undefined;
  /** Closes the inbox when it is aborted. */
  signal?: AbortSignal | undefined;
  /** Milliseconds until a mark that the hub does not answer is taken back: 30,000 if it is left out. */
  timeoutMs?: number | undefined;
}

/** How an inbox stands. It does not change: the next one is another object. */
export interface InboxSnapshot {
  /** The newest first. */
  readonly items: readonly Item[];
  /** How many are unread, as the hub has counted. */
  readonly unread: number;
  readonly version: number;
  /** There are older ones, and this page has room for them. */
  readonly hasMore: boolean;
  /** The list has come. */
  readonly isLoaded: boolean;
  readonly state: State;
  /** Why it is closed, or waits. */
  readonly failure: Failure | undefined;
  /** Undefined until the hub has told: see `loadPreferences`. */
  readonly muted: readonly string[] | undefined;
  readonly follows: readonly string[] | undefined;
}

export interface InboxEvents {
  /** Something that a page shows has changed. */
  change: Event;
  /** A new notification. */
  notification: CustomEvent<Item>;
  /** Something was missed for good, and the list was loaded anew. */
  gap: Event;
  error: InboxErrorEvent;
}

export interface InboxErrorEvent extends Event {
  readonly type: "error";
  readonly error: Failure;
  readonly message: string;
  readonly status: number;
  readonly problem: Failure["problem"];
  /** Whether the client asks again by itself. */
  readonly willRetry: boolean;
  /** The mark that was taken back, if it was one. */
  readonly action: Action | "mute" | "follow" | undefined;
}
