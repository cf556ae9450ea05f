// What an inbox holds: what the hub has said of it, and above that the marks of this page that the hub has not done yet, or of which this page
// has not heard. Takes what comes in any order of answers and blocks, and ends at the state of the hub. Knows no network and no page.

import { type Flags, flagged, type Item } from "./item.js";
import { type Mark, marked } from "./marks.js";
import type { Change, Count, List } from "./said.js";

/**
 * Notifications that are kept by themselves: the newest. It is what a hub keeps of one user, as it is set up. A page that asks for more is given room
 * for them: the bound is for what comes unasked, in a page that is open for months.
 */
export const ITEMS_MAX = 1_000;

/** Which notifications a page wants to have in its list. The count is that of all. */
export interface InboxFilter {
  archived?: boolean | undefined;
  unread?: boolean | undefined;
  kind?: string | readonly string[] | undefined;
}

/** What came of a record. */
export interface Heard {
  /** Notifications that are new in the list. */
  readonly fresh: readonly Item[];
  /** It was about something that only the hub knows: the list has to be loaded anew. */
  readonly isStale: boolean;
}

/** A page of older ones on its way, and what was said meanwhile. */
export interface Page {
  readonly changes: Change[];
}

export class Ledger {
  readonly #filter: InboxFilter;
  /** As the hub has said, the newest first. */
  #items: readonly Item[] = [];
  #count: Count = { count: 0, version: 0 };
  /** The version that the newest list had, and that of the newest record. */
  #listed = 0;
  #heard = 0;
  #marks: readonly Mark[] = [];
  /** The page of older ones that is on its way. */
  #page: Page | undefined;
  #cursor: string | null = null;
  #hasOlder = false;
  readonly #itemsMax: number;
  /** Notifications that are kept: `itemsMax`, or as many as the page has asked for. */
  #room: number;

  constructor(filter: InboxFilter, itemsMax = ITEMS_MAX) {
    this.#filter = filter;
    this.#itemsMax = this.#room = itemsMax;
  }

  /** What a page sees. */
  view(): { items: readonly Item[]; unread: number } {
    let [items, unread] = [this.#items, this.#count.count];
    for (const mark of this.#marks) {
      const after = marked(mark, items, unread);
      items = after.items;
      if (!mark.isCounted) unread = after.unread;
    }
    return { items: items.filter((item) => this.#isWanted(item)), unread: Math.max(unread, 0) };
  }

  /** The newest that is known of the count. */
  get version(): number {
    return this.#count.version;
  }

  /** All that is known, also what the filter leaves out, with the marks of this page. */
  get known(): readonly Item[] {
    return this.#marks.reduce((items, mark) => marked(mark, items, 0).items, this.#items);
  }

  /** Where the page of older ones begins; undefined if there are none. */
  get before(): string | undefined {
    return this.#hasOlder ? (this.#cursor ?? undefined) : undefined;
  }

  /** The list has come. `answered`: marks that the hub had answered when the list was asked for. */
  reset(list: List, answered: ReadonlySet<Mark> = new Set()): void {
    this.#items = list.items;
    this.#room = Math.max(this.#itemsMax, list.items.length);
    this.#count = list.count;
    this.#listed = this.#heard = list.count.version;
    this.#cursor = list.cursor;
    this.#hasOlder = list.more;
    this.#page = undefined;
    this.#marks = this.#marks.filter((mark) => !answered.has(mark));
    this.#settle();
  }

  /** A connection has begun, and the hub has said how it stands. Returns whether it is behind what this page has heard: another copy of the log. */
  begin(count: Count): boolean {
    this.#count = count;
    return count.version < this.#heard;
  }

  /** The hub has counted. */
  recount(count: Count): void {
    if (count.version > this.#count.version) this.#count = count;
  }

  /** All that the hub says of one record of its log. */
  hear(changes: readonly Change[], count?: Count): Heard {
    // The list has it already.
    if (count && count.version <= this.#listed) return { fresh: [], isStale: false };
    const fresh: Item[] = [];
    let isStale = false;
    for (const change of changes) {
      this.#page?.changes.push(change);
      isStale ||= this.#isBeyond(change);
      if (change.what !== "notification") this.#items = applied(change, this.#items);
      else if (!this.#items.some(({ id }) => id === change.item.id)) {
        this.#items = [change.item, ...this.#items];
        if (this.#isWanted(change.item)) fresh.push(change.item);
      }
    }
    this.#trim();
    if (count) {
      this.recount(count);
      this.#heard = Math.max(this.#heard, count.version);
    }
    this.#settle();
    return { fresh, isStale };
  }

  /** A page of older ones is asked for. */
  beginPage(): Page {
    return (this.#page = { changes: [] });
  }

  /** It has come. Nothing comes of it if the list was loaded anew meanwhile. */
  endPage(page: Page, list: List): void {
    if (page !== this.#page) return;
    this.#page = undefined;
    const known = new Set(this.#items.map(({ id }) => id));
    const older = list.items.filter(({ id }) => !known.has(id));
    // What was said since it was asked for may be later than what the page says.
    this.#items = [...this.#items, ...page.changes.reduce((items, change) => applied(change, items), older as readonly Item[])];
    this.#cursor = list.cursor ?? this.#cursor;
    this.#hasOlder = list.more;
    this.recount(list.count);
    this.#room = Math.max(this.#room, this.#items.length);
  }

  /** It does not come. */
  dropPage(page: Page): void {
    if (page !== this.#page) return;
    this.#page = undefined;
    this.#trim();
  }

  /** A mark is shown from now on. */
  add(mark: Mark): void {
    this.#marks = [...this.#marks, mark];
  }

  /** The hub has done it. Not every answer has a count. */
  answer(mark: Mark, count?: Count): void {
    mark.isAnswered = true;
    mark.isCounted = !!count;
    mark.version = count?.version;
    if (count) this.recount(count);
    this.#settle();
  }

  /** The hub has refused it, or has not answered. */
  drop(mark: Mark): void {
    this.#marks = this.#marks.filter((other) => other !== mark);
  }

  /** Marks that the hub has answered, and of which this page has not heard. */
  answered(): ReadonlySet<Mark> {
    return new Set(this.#marks.filter(({ isAnswered }) => isAnswered));
  }

  /** Marks that are in what the hub has said are no longer put above it. */
  #settle(): void {
    const isThere = (mark: Mark) => this.#items.some(({ id }) => mark.ids.has(id));
    this.#marks = this.#marks.filter(
      (mark) => !mark.isAnswered || (mark.version === undefined ? isThere(mark) : mark.version > this.#heard),
    );
  }

  #trim(): void {
    // The page that is on its way goes on behind the oldest one.
    if (this.#page || this.#items.length <= this.#room) return;
    this.#items = this.#items.slice(0, this.#room);
    this.#cursor = this.#items[this.#room - 1]!.id;
    this.#hasOlder = true;
  }

  /** Whether something that the hub has left out of the list may belong into it now. */
  #isBeyond(change: Change): boolean {
    if (change.what === "unknown") return true;
    if (change.what !== "flags") return false;
    const { archived, unread } = this.#filter;
    const { flags, ids } = change;
    const comes = (archived !== undefined && flags.archived === archived) || (unread !== undefined && flags.read === !unread);
    if (!comes) return false;
    const known = new Set(this.#items.map(({ id }) => id));
    return !ids || [...ids].some((id) => !known.has(id));
  }

  #isWanted(item: Item): boolean {
    const { archived, unread, kind } = this.#filter;
    if (archived !== undefined && item.archived !== archived) return false;
    if (unread !== undefined && item.read === unread) return false;
    return kind === undefined || [kind].flat().includes(item.kind ?? "");
  }
}

function applied(change: Change, items: readonly Item[]): readonly Item[] {
  if (change.what === "gone") return items.filter(({ id }) => change.ids && !change.ids.has(id));
  if (change.what !== "flags") return items;
  const { ids, flags }: { ids: ReadonlySet<string> | undefined; flags: Flags } = change;
  return items.map((item) => (!ids || ids.has(item.id) ? flagged(item, flags) : item));
}
