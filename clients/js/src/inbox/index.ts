/** The inbox of a user, live: `inbox("alice")` has the notifications and how many are unread, as the hub says. */

export { inbox, Inbox } from "./inbox.js";
export type { Item } from "./item.js";
export type { InboxFilter } from "./ledger.js";
export type { Action, Which } from "./marks.js";
export type { InboxErrorEvent, InboxEvents, InboxOptions, InboxSnapshot } from "./surface.js";
