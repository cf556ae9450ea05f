// The public surface, as programs use it. It is compiled and never run: a line that should not compile says so.

import {
  type Draft,
  type ErrorEvent,
  EventSource,
  type EventSourceOptions,
  Failure,
  type GapEvent,
  history,
  type HistoryGap,
  type HistoryOptions,
  type HistoryPage,
  type Problem,
  publish,
  publishAll,
  type Published,
  type PublishedAll,
  type PublishOptions,
  type State,
  type StateChangeEvent,
  subscribe,
  type SubscribeOptions,
  type Subscription,
  TidingsEvent,
  type Transport,
  type TransportEvent,
  version,
} from "tidings";

import { inbox, Inbox, type InboxErrorEvent, type InboxOptions, type InboxSnapshot, type Item } from "tidings/inbox";
import { TidingsInbox } from "tidings/inbox/element";

/** Compiles if both types are the same. */
function same<A, B>(..._: [A, B] extends [B, A] ? [] : [never]): void {}

same<Transport, "sse" | "post" | "long-poll" | "poll" | "websocket" | "native" | "iframe">();
same<State, "connecting" | "open" | "waiting" | "closed">();
same<typeof version, string>();

// Everything is optional, also as a variable that may be undefined.
declare const token: string | undefined;
const options: SubscribeOptions = {
  topics: ["orders/*", "news"],
  headers: () => ({ "x-tenant": "a" }),
  token: async () => "token",
  credentials: "include",
  share: false,
  transport: "long-poll",
  lastEventId: "1k3f-40",
  signal: new AbortController().signal,
  refetch: async (gap) => same<typeof gap, GapEvent>(),
};
subscribe("/events/a");
subscribe(new URL("https://hub.example/events"), { ...options, token, headers: undefined, topics: undefined });
subscribe(() => "/events/a?signature=x", { transport: ["sse", "poll"] });
subscribe(async () => new URL("https://hub.example/events/a"), { token: "token", headers: { a: "b" } });
// @ts-expect-error An option that is written wrongly.
subscribe("/events/a", { topic: "a" });
// @ts-expect-error No transport.
subscribe("/events/a", { transport: "fetch" });
// @ts-expect-error A header is one text.
subscribe("/events/a", { headers: { a: 1 } });

const orders: Subscription = subscribe("/events/orders/*", options);
const target: EventTarget = orders;
const iterable: AsyncIterable<TidingsEvent> = orders;
same<typeof orders.state, State>();
same<typeof orders.transport, Transport>();
same<typeof orders.lastEventId, string>();
same<ReturnType<typeof orders.close>, void>();
// @ts-expect-error Only the client changes it.
orders.state = "open";

orders.addEventListener("open", (event) => same<typeof event, Event>());
orders.addEventListener("message", (event) => same<typeof event, TidingsEvent>());
orders.addEventListener("order.placed", ({ data, topic, time, lastEventId, origin, type }) => {
  same<typeof data, string>();
  same<typeof topic, string>();
  same<typeof time, string>();
  same<typeof lastEventId, string>();
  same<typeof origin, string>();
  same<typeof type, string>();
});
orders.addEventListener("gap", ({ requested, reason, resumesAfter }) => {
  same<typeof requested, string>();
  same<typeof reason, string>();
  same<typeof resumesAfter, string>();
});
orders.addEventListener("error", (event) => {
  same<typeof event, ErrorEvent>();
  same<typeof event.status, number>();
  same<typeof event.problem, Problem | undefined>();
  same<typeof event.willRetry, boolean>();
  same<typeof event.retryInMs, number>();
  same<typeof event.error, Failure>();
});
orders.addEventListener("transport", (event) => {
  same<typeof event, TransportEvent>();
  same<typeof event.transport, Transport>();
});
orders.addEventListener("statechange", (event) => {
  same<typeof event, StateChangeEvent>();
  same<typeof event.state, State>();
  same<typeof event.retryInMs, number>();
});
orders.addEventListener("message", { handleEvent: ({ data }) => data }, { once: true, passive: true });
const listener = (event: TidingsEvent) => event.data;
orders.addEventListener("order.placed", listener);
orders.removeEventListener("order.placed", listener);

interface Order {
  total: number;
}

for await (const event of orders) {
  same<typeof event, TidingsEvent>();
  const order = event.json<Order>();
  same<typeof order, Order>();
  same<ReturnType<typeof event.json>, unknown>();
}
try {
  for await (const _ of subscribe("/events/a")) break;
} catch (thrown) {
  if (thrown instanceof Failure && thrown.status === 401) same<typeof thrown.problem, Problem | undefined>();
}

const publishing: PublishOptions = { topic: "a", type: "status", id: undefined, key: "k", except: "1vcknh9ndjmm8", token, timeoutMs: 1_000 };
same<Awaited<ReturnType<typeof publish>>, Published>();
publish("/events/a", "text");
publish(() => "/events/a?signature=x", { total: 1 } satisfies Order, { type: "order.placed", signal: AbortSignal.abort() });
publish(new URL("https://hub.example/events"), [1, 2], { ...publishing, headers: () => ({ "x-tenant": "a" }) });
// @ts-expect-error An event has data.
publish("/events/a");
const drafts: Draft[] = [{ topic: "a", data: { total: 1 }, type: undefined }];
same<Awaited<ReturnType<typeof publishAll>>, PublishedAll>();
publishAll("/events", new Set(drafts), { key: "k", token: () => "token" });
// @ts-expect-error Each event has a topic.
publishAll("/events", [{ data: "" }]);

const reading: HistoryOptions = { topics: ["a"], last: 50, since: new Date(), after: undefined, limit: 10, token: () => null };
const past = history("/events", reading);
for await (const page of past) {
  same<typeof page, HistoryPage>();
  same<typeof page.events, TidingsEvent[]>();
  same<typeof page.gap, HistoryGap | undefined>();
}
for await (const event of past.events()) same<typeof event, TidingsEvent>();
subscribe("/events", { lastEventId: past.lastEventId });

// What a program does with the EventSource of the browser, it does with this one. Only the handlers are typed more closely.
type Handlers = "onopen" | "onmessage" | "onerror";
const source: Omit<globalThis.EventSource, Handlers> = new EventSource("/events/a", { withCredentials: true });
const constructor: new (url: string | URL, init?: EventSourceInit) => typeof source = EventSource;
const states: [0, 1, 2] = [EventSource.CONNECTING, EventSource.OPEN, EventSource.CLOSED];
const more: EventSourceOptions = {
  method: "POST",
  body: JSON.stringify({ topic: "a" }),
  headers: async () => ({ a: "b" }),
  token: () => null,
  lastEventId: "1k3f-40",
  signal: AbortSignal.abort(),
  retryRefused: true,
};
const posted = new EventSource(new URL("https://other.example/stream"), more);
posted.onmessage = ({ data }) => same<typeof data, string>();
posted.onerror = (event) => same<typeof event, ErrorEvent>();
posted.onopen = null;
same<typeof posted.readyState, 0 | 1 | 2>();
for await (const { type, data } of posted) same<[typeof type, typeof data], [string, string]>();

const opening: InboxOptions = { url: "https://hub.example", token: () => "t", filter: { archived: undefined, kind: ["a"] }, share: false, transport: "poll", timeoutMs: 5, signal: undefined };
const box: Inbox = inbox("alice", opening);
inbox(new URL("https://hub.example/inbox/alice"), { ...opening, token, headers: undefined });
// @ts-expect-error An option that is written wrongly.
inbox("alice", { hub: "/" });
same<[typeof box.unread, typeof box.items, typeof box.hasMore, typeof box.state], [number, readonly Item[], boolean, State]>();
same<typeof box.snapshot, InboxSnapshot>();
same<Awaited<typeof box.ready>, void>();
const leaveBox: () => void = box.subscribe(() => {});
box.addEventListener("change", (event) => same<typeof event, Event>());
box.addEventListener("notification", ({ detail }) => same<typeof detail, Item>());
box.addEventListener("error", (event) => {
  same<typeof event, InboxErrorEvent>();
  same<typeof event.error, Failure>();
});
for (const item of box.items) await box.markRead(item);
await Promise.all([box.markUnread("id"), box.markSeen({ all: true }), box.archive(new Set(["id"])), box.markRead({ through: "id" }), box.remove("id"), box.mute("k"), box.follow("a/*", false)]);
// @ts-expect-error One at a time.
box.remove(["id"]);
// @ts-expect-error It does not change.
box.items[0]!.read = true;
const bell = new TidingsInbox();
bell.token = async () => "t";
bell.box = box;

void [leaveBox, target, iterable, source, constructor, states];
