// `inbox`: the notifications of one user, as they are now.

import { delayOf } from "../delay.js";
import { Failure } from "../failure.js";
import { watchPage } from "../page.js";
import { asFailure } from "../refusal.js";
import type { State } from "../source.js";
import { browser } from "../tabs/kit.js";
import { nameOf } from "../tabs/name.js";
import { inboxUrl } from "./address.js";
import { Calls } from "./calls.js";
import type { Item } from "./item.js";
import { type InboxFilter, Ledger } from "./ledger.js";
import { type Action, type Mark, marksOf, type Which } from "./marks.js";
import { VERSION } from "./messages.js";
import { Outbox } from "./outbox.js";
import { changesOf, type List } from "./said.js";
import { type Live, type LiveListener, type Recorded, Stream } from "./stream.js";
import type { InboxErrorEvent, InboxEvents, InboxOptions, InboxSnapshot } from "./surface.js";
import { Tab } from "./tab.js";
import { Wishes } from "./wishes.js";

/** Notifications of one page of the list. */
const PAGE_ITEMS = 50;
/** The most of one page that a hub gives. */
const PAGE_ITEMS_MAX = 200;
/** A list that went stale within this time was loaded in vain: the next one waits, and longer each time. */
const HEALTHY_MS = 5_000;
/** The shortest wait before a list that could not be loaded is asked for again. */
const RELOAD_MS = 500;

/**
 * Opens the inbox of a user.
 *
 * @param user  The name of the user, or the URL of the inbox, such as `https://hub.example/inbox/alice`.
 */
export function inbox(user: string | URL, options: InboxOptions = {}): Inbox {
  return new Inbox(user, options);
}

export class Inbox extends EventTarget {
  /** Where it is. */
  readonly url: string;
  /** Resolves when the list has come. Rejects with a `Failure` where the hub refuses. */
  readonly ready: Promise<void>;
  readonly #options: InboxOptions;
  readonly #filter: InboxFilter;
  readonly #calls: Calls;
  readonly #ledger: Ledger;
  readonly #outbox: Outbox;
  readonly #live: Live;
  readonly #muted = new Wishes();
  readonly #follows = new Wishes();
  readonly #life = new AbortController();
  #isReady!: { resolve(): void; reject(failure: Failure): void };
  #isLoaded = false;
  #state: State = "connecting";
  #failure: Failure | undefined;
  #page: Promise<void> | undefined;
  #snapshot: InboxSnapshot | undefined;
  #isTold = true;
  /** Wakes the loop that loads the list. */
  #stale: (() => void) | undefined;
  #isStale = true;
  #hurry: (() => void) | undefined;

  constructor(user: string | URL, options: InboxOptions = {}) {
    super();
    const url = inboxUrl(user, options.url);
    this.url = url.href;
    this.#options = options;
    this.#filter = options.filter ?? { archived: false };
    this.#calls = new Calls(url, options, options.timeoutMs);
    this.#ledger = new Ledger(this.#filter);
    this.#outbox = new Outbox((mark) => this.#send(mark));
    this.ready = new Promise((resolve, reject) => (this.#isReady = { resolve, reject }));
    // A page that does not wait for it hears of the failure by an event.
    this.ready.catch(() => {});
    this.#live = this.#liveOf(url);
    const { signal } = options;
    signal?.addEventListener("abort", this.#close);
    watchPage({ wake: () => this.#hurry?.(), sleep() {} }, this.#life.signal);
    if (signal?.aborted) this.close();
    else void this.#run();
  }

  get items(): readonly Item[] {
    return this.snapshot.items;
  }

  get unread(): number {
    return this.snapshot.unread;
  }

  /** Later for each change of this inbox. */
  get version(): number {
    return this.snapshot.version;
  }

  get hasMore(): boolean {
    return this.snapshot.hasMore;
  }

  get state(): State {
    return this.#state;
  }

  get muted(): readonly string[] | undefined {
    return this.snapshot.muted;
  }

  get follows(): readonly string[] | undefined {
    return this.snapshot.follows;
  }

  /** All of it. It is the same object until something changes. */
  get snapshot(): InboxSnapshot {
    return (this.#snapshot ??= Object.freeze({
      ...this.#view(),
      version: this.#ledger.version,
      hasMore: this.#ledger.before !== undefined,
      isLoaded: this.#isLoaded,
      state: this.#state,
      failure: this.#failure,
      muted: this.#muted.names,
      follows: this.#follows.names,
    }));
  }

  /** Calls it at every change, until what is returned is called: `useSyncExternalStore(box.subscribe, () => box.snapshot)`. */
  readonly subscribe = (changed: () => void): (() => void) => {
    this.addEventListener("change", changed);
    return () => this.removeEventListener("change", changed);
  };

  /** Loads older ones. */
  loadMore(): Promise<void> {
    this.#page ??= this.#loadPage().finally(() => (this.#page = undefined));
    // A page that does not wait for it hears of a failure by the event.
    this.#page.catch(() => {});
    return this.#page;
  }

  /** Shown at once. Rejects with a `Failure`, and takes it back, where the hub refuses or does not answer. */
  markRead(which: Which): Promise<void> {
    return this.#mark("read", which);
  }

  markUnread(which: Which): Promise<void> {
    return this.#mark("unread", which);
  }

  /** It was shown, which does not mean that it was read. */
  markSeen(which: Which): Promise<void> {
    return this.#mark("seen", which);
  }

  archive(which: Which): Promise<void> {
    return this.#mark("archive", which);
  }

  /** Deletes it. */
  remove(which: string | Item): Promise<void> {
    return this.#mark("delete", which);
  }

  /** Notifications of a kind that is muted do not come into the inbox. */
  mute(kind: string, isOn = true): Promise<void> {
    return this.#wish(this.#muted, "mute", kind, isOn, () => this.#calls.mute(kind, isOn));
  }

  /** Notifications to a topic that is followed come into the inbox. */
  follow(selector: string, isOn = true): Promise<void> {
    return this.#wish(this.#follows, "follow", selector, isOn, () => this.#calls.follow(selector, isOn));
  }

  /** Asks what is muted, and what is followed. From then on `muted` and `follows` are up to date. */
  async loadPreferences(): Promise<void> {
    const { muted, follows } = await this.#calls.preferences(this.#life.signal);
    this.#muted.tell(muted);
    this.#follows.tell(follows);
    this.#changed();
  }

  /** Ends it. Marks on their way are sent all the same. */
  close(): void {
    if (this.#life.signal.aborted) return;
    this.#life.abort();
    this.#options.signal?.removeEventListener("abort", this.#close);
    this.#live.close();
    this.#changeState("closed");
    this.#stale?.();
    this.#hurry?.();
    this.#isReady.reject(this.#failure ?? new Failure("the inbox was closed"));
  }

  readonly #close = () => this.close();

  // Loading, and hearing.

  #liveOf(url: URL): Live {
    const { share = true, transport } = this.#options;
    const listener = this.#listener();
    const streamOf = (listener: LiveListener) => new Stream(url, this.#options, listener);
    // Only secure contexts have locks, and in Node there are no tabs.
    const mayShare = share && globalThis.document && navigator.locks && "BroadcastChannel" in globalThis;
    if (!mayShare) return streamOf(listener);
    const name = nameOf(`tidings.inbox ${VERSION}`, [url.href, this.#options.credentials ?? "", transport ?? ""]);
    return new Tab({ name, world: browser, watchPage, streamOf }, listener);
  }

  #listener(): LiveListener {
    return {
      state: (state) => this.#changeState(state),
      begins: (count) => {
        if (this.#ledger.begin(count)) this.#goStale();
        this.#changed();
      },
      counts: (count) => {
        this.#ledger.recount(count);
        this.#changed();
      },
      record: (record) => this.#hear(record),
      lost: (isGap) => {
        if (isGap) this.dispatchEvent(new Event("gap"));
        this.#goStale();
      },
      failed: (failure, willRetry) => {
        if (failure) this.#failed(failure, willRetry);
        if (!willRetry) this.close();
      },
    };
  }

  /** Loads the list whenever it has gone stale. */
  async #run(): Promise<void> {
    for (let failures = 0; ; failures += 1) {
      this.#isStale = false;
      const begun = Date.now();
      await this.#live.begin();
      if (this.#isClosed) return;
      const isLoaded = await this.#load();
      if (this.#isClosed) return;
      if (isLoaded && !this.#isStale) await new Promise<void>((resolve) => (this.#stale = resolve));
      this.#stale = undefined;
      if (this.#isClosed) return;
      if (isLoaded && Date.now() - begun > HEALTHY_MS) failures = -1;
      // A list that goes stale once is asked for again at once.
      else if (!isLoaded || failures > 0) await this.#pause(Math.max(delayOf(RELOAD_MS, failures), this.#failure?.retryAfterMs ?? 0));
      if (this.#isClosed) return;
    }
  }

  /** Asks for the newest, as many as there were. False: nothing came, and it is to be asked again. */
  async #load(): Promise<boolean> {
    const limit = Math.min(Math.max(this.#ledger.known.length, PAGE_ITEMS), PAGE_ITEMS_MAX);
    const answered = this.#ledger.answered();
    let list: List;
    try {
      list = await this.#calls.list(this.#filter, limit, undefined, this.#life.signal);
    } catch (thrown) {
      if (this.#isClosed) return false;
      const failure = asFailure(thrown);
      if (failure.isPassing) this.#changeState("waiting");
      this.#failed(failure, failure.isPassing);
      if (!failure.isPassing) this.close();
      return false;
    }
    if (this.#isClosed) return false;
    this.#ledger.reset(list, answered);
    this.#isLoaded = true;
    this.#failure = undefined;
    this.#changed();
    this.#isReady.resolve();
    this.#live.follow(list.position);
    return true;
  }

  #goStale(): void {
    this.#isStale = true;
    this.#stale?.();
  }

  #hear({ blocks, count }: Recorded): void {
    const changes = blocks.flatMap(changesOf);
    const { fresh, isStale } = this.#ledger.hear(changes, count);
    for (const change of changes) {
      if (change.what === "muted") this.#muted.tell(change.names);
      else if (change.what === "follows") this.#follows.tell(change.names);
    }
    if (isStale) this.#goStale();
    this.#changed();
    for (const item of fresh) this.dispatchEvent(new CustomEvent("notification", { detail: item }));
  }

  async #loadPage(): Promise<void> {
    const { before } = this.#ledger;
    if (before === undefined || this.#isClosed) return;
    const page = this.#ledger.beginPage();
    try {
      const list = await this.#calls.list(this.#filter, PAGE_ITEMS, before, this.#life.signal);
      this.#ledger.endPage(page, list);
      this.#changed();
    } catch (thrown) {
      this.#ledger.dropPage(page);
      if (this.#isClosed) return;
      this.#refused(asFailure(thrown), undefined);
      throw thrown;
    }
  }

  // Marks.

  async #mark(action: Action, which: Which): Promise<void> {
    const marks = marksOf(action, which, this.#ledger.known).filter(({ ids, isOpenEnded }) => ids.size || isOpenEnded);
    for (const mark of marks) this.#ledger.add(mark);
    this.#changed();
    const sent = Promise.all(marks.map((mark) => this.#outbox.add(mark)));
    // A page that does not wait for it hears of a failure by the event.
    sent.catch(() => {});
    await sent;
  }

  async #send(mark: Mark): Promise<void> {
    try {
      this.#ledger.answer(mark, await this.#calls.mark(mark));
    } catch (thrown) {
      this.#ledger.drop(mark);
      this.#refused(asFailure(thrown), mark.action);
      throw thrown;
    } finally {
      this.#changed();
    }
  }

  async #wish(wishes: Wishes, action: "mute" | "follow", name: string, isOn: boolean, send: () => Promise<void>): Promise<void> {
    try {
      await wishes.change(name, isOn, send, () => this.#changed());
    } catch (thrown) {
      this.#refused(asFailure(thrown), action);
      throw thrown;
    }
  }

  // Telling.

  #view(): Pick<InboxSnapshot, "items" | "unread"> {
    const { items, unread } = this.#ledger.view();
    return { items: Object.freeze([...items]), unread };
  }

  /** Several changes at once are told once. */
  #changed(): void {
    this.#snapshot = undefined;
    if (!this.#isTold) return;
    this.#isTold = false;
    queueMicrotask(() => {
      this.#isTold = true;
      this.dispatchEvent(new Event("change"));
    });
  }

  #changeState(state: State): void {
    if (state === this.#state || this.#state === "closed") return;
    this.#state = state;
    if (state === "open") this.#failure = undefined;
    this.#changed();
  }

  /** It says why the inbox waits, or is closed. */
  #failed(failure: Failure, willRetry: boolean): void {
    this.#failure = failure;
    this.#changed();
    this.#tell(failure, willRetry);
  }

  #refused(failure: Failure, action: InboxErrorEvent["action"]): void {
    this.#changed();
    this.#tell(failure, false, action);
  }

  #tell(error: Failure, willRetry: boolean, action?: InboxErrorEvent["action"]): void {
    const { message, status, problem } = error;
    this.dispatchEvent(Object.assign(new Event("error"), { error, message, status, problem, willRetry, action }));
  }

  get #isClosed(): boolean {
    return this.#life.signal.aborted;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** What is called with an event. */
type Listener<E> = ((event: E) => unknown) | { handleEvent(event: E): unknown } | null;

export interface Inbox {
  addEventListener<K extends keyof InboxEvents>(type: K, listener: Listener<InboxEvents[K]>, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<K extends keyof InboxEvents>(type: K, listener: Listener<InboxEvents[K]>, options?: boolean | EventListenerOptions): void;
}
