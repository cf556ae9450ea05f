// `subscribe`: what a page wants to hear, and how it is brought.

import { type Access, type Fresh } from "./access.js";
import { type Carry, carryByFetch, type Transport } from "./carry.js";
import { absolute } from "./absolute.js";
import { Ladder } from "./ladder.js";
import { rememberPlace } from "./place.js";
import { type Asked, isPassing, requestOf } from "./requests.js";
import { type Plan, Source, type SourceListener, type State } from "./source.js";
import { type Feed, type Refetch, Subscription } from "./subscription.js";

export interface SubscribeOptions extends Access {
  /** Topics and patterns beside those in the URL, which is `/events` of a hub then. */
  topics?: readonly string[] | undefined;
  /** Whether the tabs of this browser share one connection: those with the same URL and the same user. True if it is left out. */
  share?: boolean | undefined;
  /** Only this transport, or these, from the best to the last resort. By default the client finds out what gets through. */
  transport?: Transport | readonly Transport[] | undefined;
  /** Where to go on. By default a page goes on where it was before it was loaded again. */
  lastEventId?: string | undefined;
  /** Closes the subscription when it is aborted. */
  signal?: AbortSignal | undefined;
  /** Called at a gap, to load anew what the page shows. Events wait until it has ended. */
  refetch?: Refetch | undefined;
}

/** Streams first; then polls, because what holds back an answer without end lets one pass that ends. */
const STREAMS: readonly Transport[] = ["sse", "post", "long-poll", "poll"];
/** Where `fetch` hands out an answer only as a whole. */
const WITHOUT_FETCH_STREAMS: readonly Transport[] = ["native", "iframe", "long-poll", "poll"];

/**
 * Subscribes to topics of a hub.
 *
 * @param url  `/events/orders/42`, or `/events` with `topics`; a function is called at every attempt, for URLs that are signed.
 */
export function subscribe(url: Fresh<string | URL>, options: SubscribeOptions = {}): Subscription {
  const { topics = [], transport, lastEventId, signal, refetch } = options;
  const asked: Asked = { ...options, url, topics };
  const rungs = transport === undefined ? usual() : typeof transport === "string" ? [transport] : transport;
  const place = rememberPlace(asked, lastEventId);
  const feedOf = (listener: SourceListener): Feed => {
    const own = {
      ...listener,
      state: (state: State) => {
        if (state === "closed") place.end();
        listener.state(state);
      },
      id: (id: string) => {
        place.set(id);
        listener.id(id);
      },
    };
    return new Source(planOf(asked, rungs), own, place.get());
  };
  return new Subscription({ feedOf, lastEventId: place.get(), refetch, signal });
}

function usual(): readonly Transport[] {
  return "body" in Response.prototype && typeof ReadableStream === "function" ? STREAMS : WITHOUT_FETCH_STREAMS;
}

function planOf(asked: Asked, rungs: readonly Transport[]): Plan {
  return {
    ladder: new Ladder(rungs, typeof asked.url === "function" ? globalThis.location?.origin ?? "" : absolute(asked.url).origin),
    carry: carrierOf,
    ask: (transport, id, isFirst) => requestOf(asked, transport, id, isFirst),
    isPassing: (failure, failures) => isPassing(asked, failure, failures),
  };
}

function carrierOf(transport: Transport): Carry | Promise<Carry> {
  if (transport === "websocket" || transport === "native" || transport === "iframe") {
    return import("./fallback.js").then(({ carriers }) => carriers[transport]);
  }
  return carryByFetch;
}
