// What a page does to notifications: shown at once, and then sent.

import { type Flags, flagged, type Item } from "./item.js";

export type Action = "read" | "unread" | "seen" | "archive" | "delete";

/** Which notifications: these, or that one and all before it, or all that the inbox has. */
export type Which = string | Item | Iterable<string | Item> | { through: string | Item } | { all: true };

/** What each action does, as the hub does it: what is archived is read, and what is read was seen. */
const FLAGS: Record<Exclude<Action, "delete">, Flags> = {
  read: { read: true, seen: true },
  unread: { read: false, archived: false },
  seen: { seen: true },
  archive: { archived: true, read: true, seen: true },
};

/** A mark on its way. */
export interface Mark {
  readonly action: Action;
  /** What it is about, of what is known. */
  readonly ids: ReadonlySet<string>;
  /** It is about all that came before these, too, whether this page has loaded it or not. */
  readonly isOpenEnded: boolean;
  /** What the hub is told. */
  readonly body: { ids: readonly string[] } | { through: string } | { all: true };
  /** The hub has answered. */
  isAnswered: boolean;
  /** The count that the hub has answered has this mark in it. */
  isCounted: boolean;
  /** Of the inbox when the hub had done it. Not every answer says it. */
  version: number | undefined;
}

/** Ids of one request; the hub refuses more. */
const IDS_MAX = 1_000;

/** What a page has named, as marks. `items`: those that are known, the newest first. */
export function marksOf(action: Action, which: Which, items: readonly Item[]): Mark[] {
  const known = items.map(({ id }) => id);
  if (isObject(which) && "all" in which) return [markOf(action, known, { all: true })];
  if (isObject(which) && "through" in which) {
    const through = idOf(which.through);
    const at = known.indexOf(through);
    return [markOf(action, at < 0 ? [] : known.slice(at), { through })];
  }
  const named = typeof which === "string" || (isObject(which) && "id" in which) ? [which as string | Item] : isIterable(which) ? [...which] : [which as unknown as Item];
  const ids = [...new Set(named.map(idOf))];
  const pieces = Array.from({ length: Math.ceil(ids.length / IDS_MAX) }, (_, at) => ids.slice(at * IDS_MAX, (at + 1) * IDS_MAX));
  return pieces.map((piece) => markOf(action, piece, { ids: piece }));
}

function markOf(action: Action, ids: readonly string[], body: Mark["body"]): Mark {
  const isOpenEnded = !("ids" in body);
  return { action, ids: new Set(ids), isOpenEnded, body, isAnswered: false, isCounted: false, version: undefined };
}

/** Whether the order of two marks matters. */
export function conflicts(one: Mark, other: Mark): boolean {
  return one.isOpenEnded || other.isOpenEnded || [...one.ids].some((id) => other.ids.has(id));
}

/** The items with the mark, and how many are unread then, if `unread` were without it. */
export function marked(mark: Mark, items: readonly Item[], unread: number): { items: readonly Item[]; unread: number } {
  const { action, ids, isOpenEnded } = mark;
  // The list is in the order of time, so all behind the first one came before it.
  const first = isOpenEnded ? items.findIndex(({ id }) => ids.has(id)) : -1;
  const isMeant = (item: Item, at: number) => (isOpenEnded ? first >= 0 && at >= first : ids.has(item.id));
  let after = unread;
  const result: Item[] = [];
  items.forEach((item, at) => {
    if (!isMeant(item, at)) return void result.push(item);
    const next = action === "delete" ? undefined : flagged(item, FLAGS[action]);
    after += Number(next?.read === false) - Number(!item.read);
    if (next) result.push(next);
  });
  // Older ones that this page has not loaded are read, too. What came since is all there.
  const readsAll = isOpenEnded && first >= 0 && (action === "read" || action === "archive");
  return { items: result, unread: readsAll ? items.slice(0, first).filter(({ read }) => !read).length : after };
}

/** A page in JavaScript may name what is not there, such as the first one of an empty list. */
function idOf(named: string | Item): string {
  const id = isObject(named) ? named.id : named;
  if (typeof id === "string") return id;
  throw new TypeError(`a notification is named by its id or its item, and this is ${id === undefined && isObject(named) ? "an object without an id" : String(named)}`);
}

function isIterable(value: unknown): value is Iterable<string | Item> {
  return typeof (value as Partial<Iterable<unknown>> | undefined)?.[Symbol.iterator] === "function";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
