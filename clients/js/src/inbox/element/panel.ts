// The panel: the list of an inbox, and what can be done with it. It knows one `Inbox`, and no bell.

import type { Failure } from "../../failure.js";
import type { Inbox } from "../inbox.js";
import type { Item } from "../item.js";
import type { InboxErrorEvent, InboxSnapshot } from "../surface.js";
import { icon, node } from "./node.js";
import { Row, type RowListener } from "./row.js";
import type { Words } from "./words.js";

/** How often the times are said anew. */
const TICK_MS = 30_000;

export interface PanelListener {
  close(): void;
  /** It is to be tried again with a new inbox. */
  retry(): unknown;
  /** A notification was chosen. False: its link is not to be followed. */
  chosen(item: Item): boolean;
  /** What the page says of it, in its own words; undefined: the panel says what the hub has said. */
  explain(failure: Failure): string | undefined;
}

export class InboxPanel {
  readonly element: HTMLElement;
  readonly #words: Words;
  readonly #language: string;
  readonly #listener: PanelListener;
  readonly #rows = new Map<string, Row>();
  readonly #markAll: HTMLButtonElement;
  readonly #problem: HTMLElement;
  readonly #why = node("span");
  readonly #retry: HTMLButtonElement;
  readonly #waiting: HTMLElement;
  /** There is no user: a page may have something better to say of it. */
  readonly #noUser: HTMLElement;
  readonly #list = node("ul", { part: "list", class: "list", role: "list" });
  readonly #empty: HTMLElement;
  readonly #loading: HTMLElement;
  readonly #more: HTMLElement;
  readonly #moreButton: HTMLButtonElement;
  #box: Inbox | undefined;
  #leave: (() => void) | undefined;
  /** A mark that the hub has refused. */
  #undone: Failure | undefined;
  #isSeen = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(words: Words, language: string, listener: PanelListener) {
    this.#words = words;
    this.#language = language;
    this.#listener = listener;
    const markAll = () => void this.#box?.markRead({ all: true }).catch(() => {});
    this.#markAll = node("button", { part: "mark-all", type: "button", class: "quiet", onclick: markAll }, icon("all"), words.markAllRead);
    const close = node("button", { type: "button", class: "quiet square", "aria-label": words.close, title: words.close, onclick: () => listener.close() }, icon("close"));
    const title = node("h2", { part: "title", class: "title", id: "title" }, words.title);
    this.#retry = node("button", { type: "button", class: "quiet", onclick: () => listener.retry() }, words.retry);
    this.#problem = node("div", { part: "problem", class: "problem", role: "alert", hidden: true }, this.#why, this.#retry);
    this.#waiting = node("p", { part: "waiting", class: "waiting", hidden: true }, words.waiting);
    this.#noUser = node("slot", { name: "no-user", hidden: true }, node("div", { part: "problem", class: "problem" }, words.noUser));
    this.#empty = node("div", { part: "empty", class: "empty", hidden: true }, icon("bell"), node("strong", {}, words.empty), node("p", {}, words.emptyHint));
    this.#loading = node("div", { part: "loading", class: "loading" }, words.loading);
    this.#moreButton = node("button", { part: "more", type: "button", class: "quiet", onclick: () => void this.#loadMore() }, words.showOlder);
    this.#more = node("div", { class: "more", hidden: true }, this.#moreButton);
    this.element = node(
      "section",
      { part: "panel", class: "panel", id: "panel", role: "dialog", "aria-labelledby": "title", tabindex: "-1", onkeydown: (event) => this.#key(event as KeyboardEvent) },
      node("div", { part: "head", class: "head" }, title, this.#markAll, close),
      this.#problem,
      this.#waiting,
      node("div", { part: "body", class: "body" }, this.#noUser, this.#loading, this.#empty, this.#list, this.#more),
      node("slot", { name: "foot" }),
    );
  }

  /** Shows this inbox from now on; or none. */
  show(box: Inbox | undefined): void {
    this.#leave?.();
    this.#leave = undefined;
    this.#box = box;
    this.#undone = undefined;
    this.#noUser.hidden = !!box;
    if (!box) {
      this.#render({ items: [], unread: 0, version: 0, hasMore: false, isLoaded: false, state: "closed", failure: undefined, muted: undefined, follows: undefined });
      return;
    }
    // What nobody sees is drawn when it is opened.
    const changed = () => this.#isSeen && this.#render(box.snapshot);
    const failed = ({ error, action }: InboxErrorEvent) => {
      this.#undone = action && error;
      changed();
    };
    const leave = box.subscribe(changed);
    box.addEventListener("error", failed);
    this.#leave = () => {
      leave();
      box.removeEventListener("error", failed);
    };
    changed();
  }

  /** It is seen, or no longer. */
  set isSeen(isSeen: boolean) {
    this.#isSeen = isSeen;
    clearInterval(this.#timer);
    this.#undone = undefined;
    if (!isSeen) return;
    if (this.#box) this.#render(this.#box.snapshot);
    const tick = () => this.#rows.forEach((row) => row.tick());
    tick();
    this.#timer = setInterval(tick, TICK_MS);
  }

  close(): void {
    this.#leave?.();
    clearInterval(this.#timer);
  }

  #render({ items, unread, hasMore, isLoaded, state, failure }: InboxSnapshot): void {
    const why = this.#undone ? this.#words.undone(this.#textOf(this.#undone)) : state === "closed" && failure ? this.#textOf(failure) : "";
    this.#problem.hidden = !why;
    if (this.#why.textContent !== why) this.#why.textContent = why;
    this.#retry.hidden = state !== "closed";
    this.#waiting.hidden = state !== "waiting" || !!why;
    // A hub that has answered is there, and says why it is to be asked again.
    const waiting = state === "waiting" && failure?.status ? this.#words.waitingFor(this.#textOf(failure)) : this.#words.waiting;
    if (this.#waiting.textContent !== waiting) this.#waiting.textContent = waiting;
    this.#markAll.disabled = unread === 0;
    this.#loading.hidden = isLoaded || state === "closed";
    this.#empty.hidden = !isLoaded || items.length > 0 || hasMore;
    this.#more.hidden = !hasMore;
    this.#renderRows(items);
  }

  /** Rows stay where they are, so that the focus does. */
  #renderRows(items: readonly Item[]): void {
    const wanted = new Set(items.map(({ id }) => id));
    const focused = [...this.#rows.values()].find(({ element }) => element.matches(":focus-within"));
    const next = focused && [...this.#rows].find(([id, { element }]) => wanted.has(id) && focused.element.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING);
    for (const [id, row] of this.#rows) {
      if (wanted.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    let place = this.#list.firstElementChild;
    for (const item of items) {
      let row = this.#rows.get(item.id);
      if (!row) this.#rows.set(item.id, (row = new Row(item, this.#words, this.#language, this.#acts)));
      row.update(item);
      if (row.element === place) place = place.nextElementSibling;
      else this.#list.insertBefore(row.element, place);
    }
    // The one that had it is gone.
    if (focused && !focused.element.isConnected) (next?.[1].main ?? this.#mains().pop() ?? this.element).focus();
  }

  readonly #acts: RowListener = {
    chosen: (item) => {
      if (!item.read) this.#box?.markRead(item).catch(() => {});
      return this.#listener.chosen(item);
    },
    toggleRead: (item) => void (item.read ? this.#box?.markUnread(item) : this.#box?.markRead(item))?.catch(() => {}),
    archive: (item) => void this.#box?.archive(item).catch(() => {}),
    remove: (item) => void this.#box?.remove(item).catch(() => {}),
  };

  async #loadMore(): Promise<void> {
    const last = this.#mains().pop();
    const hadFocus = this.#moreButton.matches(":focus");
    this.#moreButton.disabled = true;
    try {
      await this.#box?.loadMore();
    } catch (thrown) {
      this.#undone = thrown as Failure;
      if (this.#box) this.#render(this.#box.snapshot);
    } finally {
      this.#moreButton.disabled = false;
    }
    // What was pressed may be gone: the first of those that have come is next.
    const mains = this.#mains();
    if (hadFocus) (mains[mains.indexOf(last!) + 1] ?? this.#moreButton).focus();
  }

  #key(event: KeyboardEvent): void {
    // These keys have a meaning of their own in a field that a page has put here.
    if ((event.target as Element).matches("input, textarea, select, [contenteditable]")) return;
    const mains = this.#mains();
    const at = mains.findIndex((main) => main.closest("li")!.matches(":focus-within"));
    const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? mains.length - 1 : at - 1, Home: 0, End: mains.length - 1 }[event.key];
    const main = to === undefined ? undefined : mains[to];
    if (event.altKey || event.ctrlKey || event.metaKey || !main) return;
    event.preventDefault();
    main.focus();
  }

  /** What can be chosen, in the order in which it is seen. */
  #mains(): HTMLElement[] {
    return [...this.#list.querySelectorAll<HTMLElement>(".main")];
  }

  /** What the hub says of it is said in its own words. */
  #textOf(failure: Failure): string {
    const { status, problem, message } = failure;
    const own = this.#listener.explain(failure);
    if (own) return own;
    if (!status) return this.#words.noAnswer;
    return problem?.detail || problem?.title || message;
  }
}
