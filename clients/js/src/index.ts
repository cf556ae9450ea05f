/** The browser client of tidings: `subscribe` to topics of a hub, `publish`, read `history`, or read any event stream by an `EventSource`. */

export type { Access, Fresh } from "./access.js";
export type { CallOptions } from "./answered.js";
export { history, publish, publishAll } from "./called.js";
export type { Transport } from "./carry.js";
export { EventSource, type EventSourceOptions } from "./event-source.js";
export { type ErrorEvent, type GapEvent, type StateChangeEvent, TidingsEvent, type TransportEvent } from "./events.js";
export { Failure, type Problem } from "./failure.js";
export type { History, HistoryGap, HistoryOptions, HistoryPage } from "./history.js";
export type { Draft, PublishAllOptions, Published, PublishedAll, PublishOptions } from "./publish.js";
export type { State } from "./source.js";
export { subscribe, type SubscribeOptions } from "./subscribe.js";
export type { Refetch, Subscription, SubscriptionEvents } from "./subscription.js";

/** The version of this package. It is that of the hub which serves it. */
export const version: string = "0.1.0";
