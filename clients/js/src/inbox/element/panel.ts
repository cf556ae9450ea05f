// The panel: the list of an inbox, and what can be done with it. It knows one `Inbox`, and no bell.

import type { Failure } from "../../failure.js";
import type { Inbox } from "../inbox.js";
import type { Item } from "../item.js";
import type { InboxSnapshot } from "../surface.js";
import { icon, node } from "./node.js";
import { Row, type RowListener } from "./row.js";
import type { Words } from "./words.js";

/** So long it is shown that something was not saved. */
const UNDONE_MS = 8_000;
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
  readonly #why = node("span", { class: "why" });
  /** What the hub says of it, for those who can do something about it. */
  readonly #detail = node("small", { part: "detail", class: "detail", hidden: true });
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
  /** What somebody did in this panel, and the hub has refused. What the page itself did is told to the page. */
  #undone: Failure | undefined;
  #forgetting: ReturnType<typeof setTimeout> | undefined;
  /** The newest that is shown. */
  #newest: Item | undefined;
  #isSeen = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(words: Words, language: string, listener: PanelListener) {
    this.#words = words;
    this.#language = language;
    this.#listener = listener;
    // No more than is shown: what comes in this moment was not seen.
    const markAll = () => this.#newest && this.#act(this.#box?.markRead({ through: this.#newest }));
    this.#markAll = node("button", { part: "mark-all", type: "button", class: "quiet", onclick: markAll }, icon("all"), words.markAllRead);
    const close = node("button", { type: "button", class: "quiet square", "aria-label": words.close, title: words.close, onclick: () => listener.close() }, icon("close"));
    const title = node("h2", { part: "title", class: "title", id: "title" }, words.title);
    this.#retry = node("button", { type: "button", class: "quiet", onclick: () => listener.retry() }, words.retry);
    this.#problem = node("div", { part: "problem", class: "problem", role: "alert", hidden: true }, node("div", {}, this.#why, this.#detail), this.#retry);
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
    this.#forget();
    this.#noUser.hidden = !!box;
    if (!box) {
      this.#render({ items: [], unread: 0, version: 0, hasMore: false, isLoaded: false, state: "closed", failure: undefined, muted: undefined, follows: undefined });
      return;
    }
    // What nobody sees is drawn when it is opened.
    const changed = () => this.#isSeen && this.#render(box.snapshot);
    this.#leave = box.subscribe(changed);
    changed();
  }

  /** It is seen, or no longer. */
  set isSeen(isSeen: boolean) {
    this.#isSeen = isSeen;
    clearInterval(this.#timer);
    this.#forget();
    if (!isSeen) return;
    if (this.#box) this.#render(this.#box.snapshot);
    const tick = () => this.#rows.forEach((row) => row.tick());
    tick();
    this.#timer = setInterval(tick, TICK_MS);
  }

  close(): void {
    this.#leave?.();
    clearInterval(this.#timer);
    this.#forget();
  }

  /** Says whether it was done, until something else is done or some time has passed. */
  async #act(done: Promise<void> | undefined): Promise<void> {
    const box = this.#box;
    let undone: Failure | undefined;
    try {
      await done;
    } catch (thrown) {
      undone = thrown as Failure;
    }
    if (!box || box !== this.#box) return;
    this.#forget();
    this.#undone = undone;
    if (undone) this.#forgetting = setTimeout(() => this.#forgotten(box), UNDONE_MS);
    if (this.#isSeen) this.#render(box.snapshot);
  }

  #forget(): void {
    clearTimeout(this.#forgetting);
    this.#undone = undefined;
  }

  #forgotten(box: Inbox): void {
    this.#forget();
    if (this.#isSeen && box === this.#box) this.#render(box.snapshot);
  }

  #render({ items, unread, hasMore, isLoaded, state, failure }: InboxSnapshot): void {
    this.#newest = items[0];
    const problem = state === "closed" && failure ? this.#said(failure) : this.#undone ? this.#saidUndone(this.#undone) : undefined;
    this.#problem.hidden = !problem;
    if (this.#why.textContent !== (problem?.why ?? "")) this.#why.textContent = problem?.why ?? "";
    this.#detail.hidden = !problem?.detail;
    if (this.#detail.textContent !== (problem?.detail ?? "")) this.#detail.textContent = problem?.detail ?? "";
    this.#retry.hidden = state !== "closed";
    this.#waiting.hidden = state !== "waiting" || !!problem;
    const waiting = state === "waiting" ? this.#saidWaiting(failure) : "";
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
      if (!item.read) void this.#act(this.#box?.markRead(item));
      return this.#listener.chosen(item);
    },
    toggleRead: (item) => void this.#act(item.read ? this.#box?.markUnread(item) : this.#box?.markRead(item)),
    archive: (item) => void this.#act(this.#box?.archive(item)),
    remove: (item) => void this.#act(this.#box?.remove(item)),
  };

  async #loadMore(): Promise<void> {
    const last = this.#mains().pop();
    const hadFocus = this.#moreButton.matches(":focus");
    this.#moreButton.disabled = true;
    await this.#act(this.#box?.loadMore());
    this.#moreButton.disabled = false;
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

  /** Why the inbox is closed. Where the page has words of its own, those. */
  #said(failure: Failure): Said {
    const own = this.#listener.explain(failure);
    if (own) return { why: own };
    const detail = detailOf(failure);
    if (failure.status === 401) return { why: this.#words.logIn, detail };
    return { why: detail ?? this.#words.noAnswer };
  }

  #saidUndone(failure: Failure): Said {
    const { notSaved, logIn, noAnswer } = this.#words;
    const own = this.#listener.explain(failure) || (failure.status === 401 && logIn) || (!failure.status && noAnswer);
    return { why: notSaved, detail: own || detailOf(failure) };
  }

  /** A hub that has answered is there, and says why it is to be asked again. */
  #saidWaiting(failure: Failure | undefined): string {
    const { waiting, waitingFor, logIn } = this.#words;
    if (!failure?.status) return waiting;
    const own = this.#listener.explain(failure);
    if (own) return waitingFor(own);
    return failure.status === 401 ? logIn : waitingFor(detailOf(failure) ?? "");
  }
}

interface Said {
  readonly why: string;
  readonly detail?: string | undefined;
}

/** In the words of the hub; undefined where it has not answered. */
function detailOf({ status, problem, message }: Failure): string | undefined {
  return status ? problem?.detail || problem?.title || message : undefined;
}
