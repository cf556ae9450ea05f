// An EventSource over `fetch`, for any event stream: HTML 9.2, and what the standard leaves out.

import { type Access, isRenewable, show } from "./access.js";
import type { ErrorEvent, TidingsEvent } from "./events.js";
import { absolute } from "./absolute.js";
import { Place } from "./place.js";
import { byteStringOf } from "./requests.js";
import { type Plan, sourceOf } from "./source.js";
import { Subscription } from "./subscription.js";

export interface EventSourceOptions extends Access {
  /** Whether cookies go to another origin. */
  withCredentials?: boolean | undefined;
  /** `GET` if it is left out. */
  method?: string | undefined;
  /** Sent again with every attempt. */
  body?: string | Uint8Array<ArrayBuffer> | undefined;
  /** Where to go on. */
  lastEventId?: string | undefined;
  /** Closes it when it is aborted. */
  signal?: AbortSignal | undefined;
  /** Comes back after 408, 425, 429 and 5xx, too; the standard gives up. */
  retryRefused?: boolean | undefined;
  /** Milliseconds to stay away until the server says something else. */
  retryMs?: number | undefined;
  /** Milliseconds without a byte after which the connection counts as dead. */
  silenceMs?: number | undefined;
}

/** Comes back by itself as the standard has it, and can be iterated. */
export class EventSource extends Subscription {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSED = 2;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSED = 2;

  /** As the page resolves it. */
  readonly url: string;
  readonly withCredentials: boolean;
  onopen: ((event: Event) => unknown) | null = null;
  onmessage: ((event: TidingsEvent) => unknown) | null = null;
  /** An `ErrorEvent` where an attempt has failed, and a plain `Event` where an answer has ended as it should. */
  onerror: ((event: ErrorEvent) => unknown) | null = null;

  /** Throws a `SyntaxError` if the URL is none. */
  constructor(url: string | URL, options: EventSourceOptions = {}) {
    const href = parsed(url);
    super({
      feedOf: (listener, id) => sourceOf(planOf(href, options), listener, id),
      place: new Place("", options.lastEventId),
      signal: options.signal,
      isStandard: true,
    });
    this.url = href;
    this.withCredentials = !!options.withCredentials;
    for (const type of ["open", "message", "error"] as const) {
      this.addEventListener(type, (event: Event) => this[`on${type}`]?.(event as never));
    }
  }

  /** 0 while it connects or waits, 1 while it is open, 2 once it is closed. */
  get readyState(): 0 | 1 | 2 {
    return this.state === "open" ? 1 : this.state === "closed" ? 2 : 0;
  }
}

function parsed(url: string | URL): string {
  try {
    return absolute(url).href;
  } catch {
    throw new DOMException(`no URL: ${url}`, "SyntaxError");
  }
}

function planOf(url: string, options: EventSourceOptions): Plan {
  const { withCredentials, retryRefused } = options;
  return {
    ...options,
    transport: "sse",
    ask: async (_, id) => {
      const shown = await show(options);
      const headers: Record<string, string> = { accept: "text/event-stream", ...shown.headers };
      if (id) headers["last-event-id"] = byteStringOf(id);
      const credentials = withCredentials ? "include" : options.credentials;
      return { ...options, credentials, url: new URL(url), headers, id };
    },
    isPassing: (failure, wasRefused) =>
      !failure.status || (retryRefused && failure.isPassing) || isRenewable(options, failure, wasRefused),
    // A server that is no hub of tidings says nothing of its heartbeats.
    heartbeatMs: Infinity,
  };
}
