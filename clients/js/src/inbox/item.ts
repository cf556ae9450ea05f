// A notification in an inbox, as pages see it.

/** It does not change: what changes about a notification is another `Item` with the same id. */
export interface Item {
  readonly id: string;
  readonly title: string;
  readonly body?: string | undefined;
  /** `http:`, `https:`, `mailto:`, or relative. */
  readonly link?: string | undefined;
  readonly kind?: string | undefined;
  /** What the publisher has added, of any shape. */
  readonly data?: unknown;
  /** When it was notified, as RFC 3339. */
  readonly time: string;
  readonly read: boolean;
  readonly seen: boolean;
  readonly archived: boolean;
  /** When it leaves by itself, as RFC 3339. */
  readonly expires?: string | undefined;
}

/** What a mark changes. */
export type Flags = Partial<Pick<Item, "read" | "seen" | "archived">>;

const TEXTS = ["body", "link", "kind", "expires"] as const;

/** What a hub says of a notification; undefined for what is none. */
export function itemOf(said: any): Item | undefined {
  if (typeof said?.id !== "string" || typeof said.title !== "string") return undefined;
  const { id, title, data, time = "", read = false, seen = false, archived = false } = said;
  const texts = TEXTS.filter((name) => typeof said[name] === "string").map((name) => [name, said[name]]);
  const more = data === undefined ? {} : { data };
  return Object.freeze({ id, title, ...Object.fromEntries(texts), ...more, time, read, seen, archived });
}

/** The item with other flags; itself, if it has them already. */
export function flagged(item: Item, flags: Flags): Item {
  const isSame = (Object.keys(flags) as (keyof Flags)[]).every((name) => item[name] === flags[name]);
  return isSame ? item : Object.freeze({ ...item, ...flags });
}
