// What a hub says of an inbox: pages of the list, and blocks of the stream.

import { type Flags, type Item, itemOf } from "./item.js";

/** How many are unread, as the hub has counted. `version` is later for each change of this inbox. */
export interface Count {
  readonly count: number;
  readonly version: number;
}

/** One page of the list. */
export interface List {
  readonly items: readonly Item[];
  readonly count: Count;
  /** Where the next page begins; null if there is nothing before. */
  readonly cursor: string | null;
  readonly more: boolean;
  /** Where a stream begins that tells what comes after this page. */
  readonly position: string;
}

/** One block of the stream. */
export interface Block {
  readonly type: string;
  readonly data: string;
}

/** What a block says. */
export type Change =
  | { what: "notification"; item: Item }
  /** Without `ids` it is about all. */
  | { what: "flags"; ids: ReadonlySet<string> | undefined; flags: Flags }
  | { what: "gone"; ids: ReadonlySet<string> | undefined }
  | { what: "muted"; names: readonly string[] }
  | { what: "follows"; names: readonly string[] }
  /** What this version does not know: the list says what came of it. */
  | { what: "unknown" };

/** The types of the blocks. */
export const TYPES = ["notification", "changed", "unread"];

export function listOf(said: any): List {
  const { items = [], unread, version, cursor = null, more = false, position = "" } = said ?? {};
  return { items: items.map(itemOf).filter(Boolean), count: countOf({ count: unread, version }), cursor, more, position };
}

export function countOf(said: any): Count {
  const { count, version } = said ?? {};
  return { count: Number(count) || 0, version: Number(version) || 0 };
}

/** The changes of a block. One block may say several. */
export function changesOf({ type, data }: Block): Change[] {
  const said = parsed(data);
  if (type === "notification") {
    const item = itemOf(said);
    return [item ? { what: "notification", item } : { what: "unknown" }];
  }
  const changes: Change[] = [];
  const { muted, follows } = said;
  if (isTexts(muted)) changes.push({ what: "muted", names: muted });
  if (isTexts(follows)) changes.push({ what: "follows", names: follows });
  const ids: ReadonlySet<string> | undefined = isTexts(said.ids) ? new Set<string>(said.ids) : undefined;
  const names = ["read", "seen", "archived"].filter((name) => typeof said[name] === "boolean");
  const flags = whole(Object.fromEntries(names.map((name) => [name, said[name]])));
  if (!ids && said.all !== true) return changes.length ? changes : [{ what: "unknown" }];
  if (said.deleted === true) changes.push({ what: "gone", ids });
  else if (Object.keys(flags).length) changes.push({ what: "flags", ids, flags });
  return changes.length ? changes : [{ what: "unknown" }];
}

/** What is archived is read, and what is read was seen. */
function whole(flags: Flags): Flags {
  if (flags.archived) return { ...flags, read: true, seen: true };
  if (flags.read) return { ...flags, seen: true };
  return flags.read === false ? { ...flags, archived: false } : flags;
}

/** What is no JSON says nothing. */
export function parsed(data: string): any {
  try {
    return JSON.parse(data) ?? {};
  } catch {
    return {};
  }
}

export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
