// `subscribe`: what a page wants to hear, and how it is brought.

import { type Access, type Fresh, isRenewable } from "./access.js";
import type { Transport } from "./carry.js";
import { absolute } from "./absolute.js";
import { core } from "./core.js";
import { later } from "./later.js";
import { memoryOf } from "./page.js";
import { Place } from "./place.js";
import { type Asked, requestOf } from "./requests.js";
import { type Plan, sourceOf, type SourceListener } from "./source.js";
import { type Refetch, Subscription } from "./subscription.js";

export interface SubscribeOptions extends Access {
  /** Topics and patterns beside those in the URL, which is `/events` of a hub then. */
  topics?: string | readonly string[] | undefined;
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
const WITHOUT_FETCH_STREAMS: readonly Transport[] = ["native", "iframe", ...STREAMS.slice(2)];

/**
 * Subscribes to topics of a hub.
 *
 * @param url  `/events/orders/42`, or `/events` with `topics`; a function is called at every attempt, for URLs that are signed.
 */
export function subscribe(url: Fresh<string | URL>, options: SubscribeOptions = {}): Subscription {
  const { topics = [], share = true, transport = usual(), lastEventId, signal, refetch } = options;
  const asked: Asked = { ...options, url, topics: [topics].flat() };
  const transports = [transport].flat();
  const plan = planOf(asked, transports);
  const feedOf = (listener: SourceListener, id: string) => {
    const alone = (id: string) => sourceOf(plan, listener, id);
    // Only secure contexts have locks, and in Node there are no tabs.
    if (!share || !globalThis.document || !navigator.locks) return alone(id);
    const kit = { core, planOf, asked, transports, listener, id, alone };
    return later(() => import("./tabs/tabs.js").then((tabs) => tabs.share(kit)).catch(() => alone(id)));
  };
  return new Subscription({ feedOf, place: new Place(keyOf(asked), lastEventId), refetch, signal });
}

function usual(): readonly Transport[] {
  return "body" in Response.prototype ? STREAMS : WITHOUT_FETCH_STREAMS.slice(globalThis.EventSource ? 0 : 1);
}

/** Says where to begin, or is a secret, which belongs into no storage. */
const NOT_KEPT = /[?&](last|since|last_?event_?id|access_token|ticket|signature)=/i;

/** Under which the place is kept across a reload. */
function keyOf({ url, topics }: Asked): string {
  return url instanceof Function || NOT_KEPT.test(`${url}`) ? "" : [url, ...topics].join(" ");
}

function planOf(asked: Asked, transports: readonly Transport[]): Plan {
  const memory = memoryOf("localStorage", `tidings.transport ${asked.url instanceof Function ? "" : absolute(asked.url).origin}`);
  const [transport = "sse", ...others] = transports;
  return {
    transport,
    loadLadder: others.length ? async () => new (await import("./fallback.js")).Ladder(transports, memory) : undefined,
    isLadderNeeded: !!memory.get(),
    ask: (transport, id, isFirst) => requestOf(asked, transport, id, isFirst),
    // An answer that is no event stream may be the page of a network that one has to log in to.
    isPassing: (failure, wasRefused) => failure.isPassing || failure.status === 200 || isRenewable(asked, failure, wasRefused),
  };
}
