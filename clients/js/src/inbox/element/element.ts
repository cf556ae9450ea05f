// `<tidings-inbox>`: a bell with a badge, and the panel below it.

import { type Fresh, fresh } from "../../access.js";
import type { Failure } from "../../failure.js";
import { watchPage } from "../../page.js";
import { type Inbox, inbox } from "../inbox.js";
import type { Item } from "../item.js";
import type { InboxErrorEvent } from "../surface.js";
import { icon, node } from "./node.js";
import { InboxPanel } from "./panel.js";
import { adopt, PHONE_PX } from "./style.js";
import { type Words, wordsOf } from "./words.js";

/** More are not counted on the badge; the name of the button says how many there are. */
const BADGE_MAX = 99;
/** New ones that come within this time are said once. */
const SAY_MS = 1_000;
/** Space between the panel and the edge of the page. */
const EDGE_PX = 8;
/** So high is the panel at least, however low the bell stands. */
const ROOM_PX_MIN = 240;

/** Between two inboxes that are opened after a refusal, so that a page that renews in vain does not ask all the time. */
const REOPEN_MS = 5_000;
/** A page may set these on an element before it is one. They would hide what it has for them. */
const SET_EARLY = ["token", "headers", "explain", "box"] as const;

/** On a server, which has no elements, it can be imported all the same. */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

export class TidingsInbox extends Base {
  static readonly observedAttributes = ["user", "url", "hub", "token", "lang", "credentials"];
  /** The root of the hub, where the attribute `hub` is left out. */
  static hub: string | URL = "/";

  readonly #bell = node("button", { part: "bell", class: "bell", type: "button", "aria-expanded": "false", "aria-haspopup": "dialog", "aria-controls": "panel" });
  readonly #badge = node("span", { part: "badge", class: "badge", "aria-hidden": "true", hidden: true });
  readonly #said = node("div", { class: "unheard", role: "status", "aria-live": "polite" });
  #words: Words = wordsOf("en");
  #panel: InboxPanel | undefined;
  #box: Inbox | undefined;
  /** It was given by the page, which also closes it. */
  #isGiven = false;
  #token: Fresh<string | null | undefined>;
  #headers: Fresh<Record<string, string>> | undefined;
  #explain: ((failure: Failure) => string | undefined) | undefined;
  /** Ends what watches the page. */
  #life: AbortController | undefined;
  /** Ends what watches the inbox. */
  #leave: (() => void) | undefined;
  #isStale = false;
  #startedAt = -REOPEN_MS;
  #reopening: ReturnType<typeof setTimeout> | undefined;
  /** The newest that the hub was told of as seen. */
  #seen = "";
  #unread = -1;
  #news: Item[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    this.#bell.append(icon("bell"), this.#badge);
    this.#bell.addEventListener("click", () => this.toggle());
    root.append(this.#bell, this.#said);
    adopt(root);
    for (const name of SET_EARLY) this.#take(name);
  }

  #take<K extends (typeof SET_EARLY)[number]>(name: K): void {
    const set = Object.getOwnPropertyDescriptor(this, name);
    if (!set) return;
    delete (this as Partial<TidingsInbox>)[name];
    this[name] = set.value;
  }

  /** What it shows. A page may give one that it has made. */
  get box(): Inbox | undefined {
    this.#startStale();
    return this.#box;
  }

  set box(box: Inbox | undefined) {
    this.#isGiven = !!box;
    if (box) this.#show(box);
    else this.#restart();
  }

  /** A key or a token; or a function that gives one, which is called at every attempt. */
  get token(): Fresh<string | null | undefined> {
    return this.#token ?? this.getAttribute("token");
  }

  set token(token: Fresh<string | null | undefined>) {
    const before = this.#token;
    this.#token = token;
    this.#renew(before, token);
  }

  /** More headers; or a function that gives them. */
  get headers(): Fresh<Record<string, string>> | undefined {
    return this.#headers;
  }

  set headers(headers: Fresh<Record<string, string>> | undefined) {
    const before = this.#headers;
    this.#headers = headers;
    this.#renew(before, headers);
  }

  /** A page may say in words of its own why the hub refuses; undefined: as the hub says it. */
  get explain(): ((failure: Failure) => string | undefined) | undefined {
    return this.#explain;
  }

  set explain(explain: ((failure: Failure) => string | undefined) | undefined) {
    this.#explain = explain;
  }

  get isOpen(): boolean {
    return !!this.#panel && !this.#panel.element.hidden;
  }

  connectedCallback(): void {
    const life = (this.#life = new AbortController());
    const { signal } = life;
    this.addEventListener("keydown", (event) => this.#key(event), { signal });
    document.addEventListener("pointerdown", (event) => this.isOpen && !event.composedPath().includes(this) && this.hide(false), { signal });
    this.addEventListener("focusout", ({ relatedTarget }) => relatedTarget && !this.contains(relatedTarget as Node) && this.hide(false), { signal });
    addEventListener("resize", () => this.#place(), { signal });
    addEventListener("scroll", () => this.#place(), { signal, passive: true, capture: true });
    watchPage({ wake: () => this.#wake(), sleep() {} }, signal);
    this.#speak();
    if (this.#isGiven && this.#box) this.#show(this.#box);
    // What the page sets in the same breath counts: a token, another user, the hub of all.
    else this.#restart();
  }

  disconnectedCallback(): void {
    this.#life?.abort();
    this.#life = undefined;
    this.hide(false);
    this.#leave?.();
    this.#leave = undefined;
    clearTimeout(this.#timer);
    clearTimeout(this.#reopening);
    this.#panel?.close();
    this.#panel?.element.remove();
    this.#panel = undefined;
    if (this.#isGiven) return;
    this.#box?.close();
    this.#box = undefined;
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (before === after || !this.#life) return;
    if (name !== "lang") return this.#restart();
    const wasOpen = this.isOpen;
    this.#panel?.close();
    this.#panel?.element.remove();
    this.#panel = undefined;
    this.#speak();
    this.#unread = -1;
    this.#count();
    if (wasOpen) this.show();
  }

  toggle(): void {
    if (this.isOpen) this.hide();
    else this.show();
  }

  /** Opens the panel, and moves the focus into it. */
  show(): void {
    if (!this.#life || this.isOpen) return;
    const panel = (this.#panel ??= this.#newPanel());
    panel.element.hidden = false;
    this.#lift(panel.element);
    panel.isSeen = true;
    this.#bell.setAttribute("aria-expanded", "true");
    this.#place();
    panel.element.focus();
    this.#see();
    this.dispatchEvent(new Event("open"));
  }

  /** Closes it. `takesFocus`: the bell has the focus afterwards. */
  hide(takesFocus = true): void {
    if (!this.#panel || !this.isOpen) return;
    const { element } = this.#panel;
    if (element.classList.contains("is-lifted") && element.isConnected) element.hidePopover();
    element.hidden = true;
    this.#panel.isSeen = false;
    this.#bell.setAttribute("aria-expanded", "false");
    if (takesFocus) this.#bell.focus();
  }

  /**
   * Opens the inbox again where the hub has refused it: the page has a new cookie, or somebody has logged in. Nothing happens while it is open. Where it was
   * opened a moment ago, that waits, so this may be called at every `error`.
   */
  reopen(): void {
    if (!this.#life || this.#isGiven) return;
    clearTimeout(this.#reopening);
    const again = () => this.#life && !this.#isGiven && this.#box?.state === "closed" && this.#start();
    // Later in any case, because an inbox tells of a failure before it closes.
    this.#reopening = setTimeout(again, Math.max(0, this.#startedAt + REOPEN_MS - performance.now()));
  }

  // The inbox.

  /** Cookies and tokens run out while a machine sleeps, and are renewed when somebody comes back. */
  #wake(): void {
    const { state, failure } = this.#box?.snapshot ?? {};
    if (state === "closed" && (failure?.status === 401 || failure?.status === 403)) this.reopen();
  }

  /**
   * What is shown to the hub was set. A framework sets a function or an object that it has made anew each time it draws the page: the inbox stays open
   * then, because the next attempt asks the new one.
   */
  #renew(before: unknown, after: unknown): void {
    const [wasAsked, isAsked] = [before instanceof Function, after instanceof Function];
    if (wasAsked !== isAsked) return this.#restart();
    if (!isAsked && JSON.stringify(before) !== JSON.stringify(after)) return this.#restart();
    if (before !== after) this.reopen();
  }

  /** Several attributes may change at once. */
  #restart(): void {
    if (!this.#life || this.#isGiven || this.#isStale) return;
    this.#isStale = true;
    queueMicrotask(() => this.#startStale());
  }

  /** What was set is known by now. */
  #startStale(): void {
    if (!this.#isStale) return;
    this.#isStale = false;
    if (this.#life && !this.#isGiven) this.#start();
  }

  #start(): void {
    this.#startedAt = performance.now();
    this.#box?.close();
    const user = this.getAttribute("user");
    const url = this.getAttribute("url");
    if (!user && !url) return this.#show(undefined);
    const credentials = this.getAttribute("credentials") as RequestCredentials | null;
    const options = { url: this.getAttribute("hub") ?? TidingsInbox.hub, token: this.#asked("token"), headers: this.#asked("headers"), credentials: credentials ?? undefined };
    this.#show(inbox(url ? new URL(url, document.baseURI) : user!, options));
  }

  /** A function of the page may be another one at the next attempt. */
  #asked<K extends "token" | "headers">(name: K): TidingsInbox[K] {
    const now = () => this[name];
    return now() instanceof Function ? ((() => fresh(now() as Fresh<unknown>)) as TidingsInbox[K]) : (now() ?? (undefined as TidingsInbox[K]));
  }

  #show(box: Inbox | undefined): void {
    this.#leave?.();
    this.#leave = undefined;
    this.#box = box;
    this.#panel?.show(box);
    if (!this.#life || !box) return this.#count();
    const heard = ({ detail }: CustomEvent<Item>) => this.#hear(detail);
    const leave = box.subscribe(() => this.#count());
    box.addEventListener("notification", heard);
    // A page hears of it here, because the inbox is another one after each `reopen`.
    const failed = ({ error, message, status, problem, willRetry, action }: InboxErrorEvent) =>
      this.dispatchEvent(Object.assign(new Event("error"), { error, message, status, problem, willRetry, action }));
    box.addEventListener("error", failed);
    this.#leave = () => {
      leave();
      box.removeEventListener("error", failed);
      box.removeEventListener("notification", heard);
    };
    this.#count();
  }

  #count(): void {
    const unread = this.#box?.unread ?? 0;
    if (this.isOpen) this.#see();
    if (unread === this.#unread) return;
    this.#unread = unread;
    this.#badge.hidden = unread === 0;
    this.#badge.textContent = unread > BADGE_MAX ? `${BADGE_MAX}+` : String(unread);
    this.#bell.setAttribute("aria-label", this.#words.bell(unread));
    this.#bell.title = this.#words.bell(unread);
    this.dispatchEvent(new CustomEvent("unread", { detail: { unread } }));
  }

  /** What the open panel has was seen. */
  #see(): void {
    const box = this.#box;
    const newest = box?.items.find(({ seen }) => !seen);
    // Once, whatever comes of it.
    if (!box || !newest || newest.id === this.#seen || box.state === "closed") return;
    this.#seen = newest.id;
    box.markSeen({ through: newest }).catch(() => {});
  }

  #hear(item: Item): void {
    this.dispatchEvent(new CustomEvent("notification", { detail: item, bubbles: true, composed: true }));
    this.#news.push(item);
    this.#timer ??= setTimeout(() => {
      const news = this.#news.splice(0);
      this.#timer = undefined;
      this.#said.textContent = this.#words.fresh(news.length, news[0]!.title);
    }, SAY_MS);
  }

  // The page.

  #newPanel(): InboxPanel {
    const panel = new InboxPanel(this.#words, this.#language, {
      close: () => this.hide(),
      retry: () => (this.#isGiven ? this.dispatchEvent(new CustomEvent("retry")) : this.#start()),
      explain: (failure) => this.explain?.(failure),
      chosen: (item) => this.dispatchEvent(new CustomEvent("choose", { detail: item, bubbles: true, composed: true, cancelable: true })),
    });
    panel.element.hidden = true;
    this.shadowRoot!.append(panel.element);
    panel.show(this.#box);
    return panel;
  }

  get #language(): string {
    return this.closest("[lang]")?.getAttribute("lang") || navigator.language || "en";
  }

  #speak(): void {
    this.#words = wordsOf(this.#language);
    this.#unread = -1;
  }

  #key(event: KeyboardEvent): void {
    if (event.key !== "Escape" || !this.isOpen) return;
    event.preventDefault();
    event.stopPropagation();
    this.hide();
  }

  /** Above everything in the page, so that nothing cuts it off. Browsers before 2024 show it where the bell stands. */
  #lift(panel: HTMLElement): void {
    if (!("showPopover" in panel)) return;
    panel.popover = "manual";
    panel.classList.add("is-lifted");
    panel.showPopover();
  }

  /** Where there is room for the panel: it ends where the page does. */
  #place(): void {
    if (!this.#panel || !this.isOpen) return;
    const { style, classList, offsetWidth } = this.#panel.element;
    const { top, bottom, left: start, right: end } = this.#bell.getBoundingClientRect();
    const { clientWidth, clientHeight } = document.documentElement;
    style.setProperty("--_shift", "0px");
    style.setProperty("--_top", `${Math.max(0, Math.min(bottom + EDGE_PX / 2, clientHeight - ROOM_PX_MIN))}px`);
    style.setProperty("--_room", `${Math.max(clientHeight - bottom - 2 * EDGE_PX, ROOM_PX_MIN)}px`);
    if (classList.contains("is-lifted")) {
      const isRtl = getComputedStyle(this).direction === "rtl";
      const left = Math.max(EDGE_PX, Math.min(isRtl ? start : end - offsetWidth, clientWidth - offsetWidth - EDGE_PX));
      style.setProperty("--_left", `${left}px`);
      return;
    }
    if (clientWidth <= PHONE_PX || top > clientHeight) return;
    const { left, right } = this.#panel.element.getBoundingClientRect();
    const shift = left < EDGE_PX ? EDGE_PX - left : Math.min(clientWidth - EDGE_PX - right, 0);
    style.setProperty("--_shift", `${shift}px`);
  }
}
