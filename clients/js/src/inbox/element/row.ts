// One notification in the panel.

import type { Item } from "../item.js";
import { safeLink } from "./link.js";
import { type Icon, icon, node } from "./node.js";
import { agoOf, fullTimeOf } from "./when.js";
import type { Words } from "./words.js";

/** A longer title may not fit into the lines that it has, so it is told as a whole where the pointer rests. */
const TITLE_SHORT_MAX = 60;

export interface RowListener {
  /** It was chosen. False: its link is not to be followed. */
  chosen(item: Item): boolean;
  toggleRead(item: Item): void;
  archive(item: Item): void;
  remove(item: Item): void;
}

export class Row {
  readonly element = node("li", { part: "item", class: "row" });
  readonly #words: Words;
  readonly #language: string;
  readonly #listener: RowListener;
  readonly #time = node("time", { part: "time" });
  #item: Item;
  /** What takes the focus. */
  #main!: HTMLElement;
  #toggle!: HTMLButtonElement;

  constructor(item: Item, words: Words, language: string, listener: RowListener) {
    this.#item = item;
    this.#words = words;
    this.#language = language;
    this.#listener = listener;
    this.#build();
    this.#mark();
  }

  get main(): HTMLElement {
    return this.#main;
  }

  /** Only marks of a notification change; what is in it does not. */
  update(item: Item): void {
    if (item === this.#item) return;
    this.#item = item;
    this.#mark();
  }

  /** Time has passed. */
  tick(): void {
    const ago = agoOf(this.#item.time, this.#language);
    if (this.#time.textContent !== ago) this.#time.textContent = ago;
  }

  #build(): void {
    const { title, body, kind, time, link } = this.#item;
    const href = safeLink(link, document.baseURI);
    this.#time.dateTime = time;
    this.#time.title = fullTimeOf(time, this.#language);
    this.tick();
    const inside = [
      node("span", { class: "unheard" }),
      node("span", { part: "name", class: "name", dir: "auto", title: title.length > TITLE_SHORT_MAX && title }, title),
      ...(body ? [node("span", { part: "text", class: "text", dir: "auto" }, body)] : []),
      node("span", { class: "meta" }, ...(kind ? [node("span", { part: "kind", class: "kind" }, kind)] : []), this.#time),
    ];
    const choose = (event: Event) => {
      const follows = this.#listener.chosen(this.#item);
      this.element.classList.add("is-open");
      if (!follows) event.preventDefault();
    };
    this.#main = href ? node("a", { class: "main", href, rel: "noopener noreferrer", onclick: choose }, ...inside) : node("button", { class: "main", type: "button", onclick: choose }, ...inside);
    const { archive, remove } = this.#words;
    this.#toggle = this.#button("done", "", () => this.#listener.toggleRead(this.#item));
    const actions = node(
      "div",
      { part: "actions", class: "actions" },
      this.#toggle,
      this.#button("archive", archive, () => this.#listener.archive(this.#item)),
      this.#button("remove", remove, () => this.#listener.remove(this.#item)),
    );
    this.element.append(this.#main, actions);
  }

  #button(name: Icon, label: string, act: () => void): HTMLButtonElement {
    return node("button", { type: "button", class: "quiet square", "aria-label": label, title: label, onclick: act }, icon(name));
  }

  #mark(): void {
    const { read } = this.#item;
    const { unread, markRead, markUnread } = this.#words;
    this.element.classList.toggle("is-unread", !read);
    this.element.setAttribute("part", read ? "item" : "item unread");
    this.#main.firstElementChild!.textContent = read ? "" : `${unread}: `;
    const label = read ? markUnread : markRead;
    if (this.#toggle.title === label) return;
    this.#toggle.title = label;
    this.#toggle.setAttribute("aria-label", label);
    this.#toggle.replaceChildren(icon(read ? "dot" : "done"));
  }
}
