// A tab among others that show the same inbox. The one that holds a lock leads: it has the stream, and tells the others each record. A tab
// that may have missed something loads the list anew, once the leader has said that it is there, so nobody has to remember what was told.

import { Failure } from "../failure.js";
import { watchPage } from "../page.js";
import type { State } from "../source.js";
import type { World } from "../tabs/kit.js";
import { Watch } from "../tabs/watch.js";
import { type Message, read, type Spoken, type Told, type Word } from "./messages.js";
import { type Live, type LiveListener, Stream } from "./stream.js";

/** What may come before the list has. Beyond that the list is asked for again. */
const QUEUE_MAX = 1_000;
/** Tabs that are seen do not all take over from a hidden one at once. */
const TAKE_OVER_MS = 300;

export interface TabKit {
  readonly name: Promise<string>;
  readonly world: World;
  readonly watchPage: typeof watchPage;
  streamOf(listener: LiveListener): Stream;
}

export class Tab implements Live {
  readonly #kit: TabKit;
  readonly #listener: LiveListener;
  readonly #tab: string;
  readonly #stream: Stream;
  readonly #watch: Watch;
  /** Ends what watches the page. */
  readonly #life = new AbortController();
  /** Ends what this tab does among the others; undefined while it is not among them. */
  #stay: AbortController | undefined;
  #channel: ReturnType<World["channelOf"]> | undefined;
  /** Gives the lock back. */
  #leading: AbortController | undefined;
  #leads = false;
  /** Resolves when the browser lets the page do something again. */
  #aside: { over: Promise<void>; wake(): void } | undefined;

  /** The newest message of a leader. */
  #spoken: Spoken = { from: "", term: 0, turn: 0 };
  /** Where the leader is. */
  #at = "";
  #leaderState: State = "connecting";
  /** Waits for the word of a leader. */
  #greeted: (() => void) | undefined;
  /** Nothing was missed since that word. */
  #isWhole = false;
  /** The list has come. */
  #isFollowing = false;
  #queue: Word[] = [];

  constructor(kit: TabKit, listener: LiveListener) {
    this.#kit = kit;
    this.#listener = listener;
    this.#tab = kit.world.nameOf();
    this.#watch = new Watch({ ask: () => this.#post({ from: this.#tab, ask: "ping" }), silent: () => this.#takeOver() });
    const heard = (word: Word) => {
      this.#tell(word);
      this.#hear(word);
    };
    this.#stream = kit.streamOf({
      state: (state, retryInMs) => heard({ kind: "state", state, retryInMs, isHidden: kit.world.isHidden() }),
      begins: (count) => heard({ kind: "begins", count }),
      counts: (count) => heard({ kind: "counts", count }),
      record: (record) => heard({ kind: "record", ...record }),
      lost: (isGap) => {
        this.#isFollowing = false;
        listener.lost(isGap);
      },
      failed: (failure, willRetry, retryInMs) => {
        if (willRetry) return heard({ kind: "failed", failure: failure && said(failure), retryInMs });
        // The others have tokens of their own.
        this.#leave();
        listener.failed(failure, false, 0);
      },
    });
    const sleep = () => this.#putAside();
    kit.watchPage({ wake: () => this.#wake(), sleep }, this.#life.signal);
    kit.world.watchFreeze(sleep, this.#life.signal);
  }

  async begin(): Promise<void> {
    this.#isFollowing = this.#isWhole = false;
    this.#queue = [];
    while (this.#aside) await this.#aside.over;
    if (this.#life.signal.aborted) return;
    if (!this.#stay) await this.#enter();
    if (this.#leads) return this.#stream.close();
    if (!this.#stay) return;
    await new Promise<void>((resolve) => {
      this.#greeted = resolve;
      this.#post({ from: this.#tab, ask: "ping" });
    });
  }

  follow(position: string): void {
    if (this.#leads) {
      this.#isFollowing = true;
      this.#at = position;
      this.#stream.follow(position);
      this.#announce(true);
    } else if (this.#stay && this.#isWhole) {
      this.#isFollowing = true;
      this.#listener.state(this.#leaderState, 0);
      for (const word of this.#queue.splice(0)) this.#hear(word);
    } else this.#listener.lost(false);
  }

  close(): void {
    this.#life.abort();
    this.#leave();
    const aside = this.#aside;
    this.#aside = undefined;
    aside?.wake();
  }

  // Coming and going.

  async #enter(): Promise<void> {
    const stay = (this.#stay = new AbortController());
    try {
      const name = await this.#kit.name;
      if (stay.signal.aborted) return;
      this.#channel = this.#kit.world.channelOf(name);
      this.#channel.onmessage = ({ data }) => this.#receive(read(data));
      await this.#seek(name);
    } catch {
      // The browser has no locks for this page. It has a stream of its own.
      if (!stay.signal.aborted) this.#leads = true;
    }
  }

  #leave(): void {
    this.#stay?.abort();
    this.#stay = undefined;
    this.#leading?.abort();
    this.#leading = undefined;
    this.#leads = this.#isFollowing = this.#isWhole = false;
    this.#queue = [];
    this.#stream.close();
    this.#watch.stop();
    if (this.#channel) {
      this.#channel.onmessage = null;
      this.#channel.close();
    }
    this.#channel = undefined;
    this.#spoken = { from: "", term: 0, turn: 0 };
    this.#greet();
  }

  /** A browser does not keep a page that holds a lock, and one that is frozen must not lead. */
  #putAside(): void {
    if (this.#aside) return;
    let wake!: () => void;
    const over = new Promise<void>((resolve) => (wake = resolve));
    this.#aside = { over, wake };
    const wasFollowing = this.#isFollowing;
    this.#leave();
    if (wasFollowing) this.#listener.lost(false);
  }

  #wake(): void {
    const aside = this.#aside;
    this.#aside = undefined;
    aside?.wake();
    if (!aside && !this.#leads) this.#post({ from: this.#tab, ask: "wake" });
  }

  // Who leads.

  /** Leads, if nobody does; else follows, and waits for its turn. */
  #seek(name: string): Promise<void> {
    const { locks } = this.#kit.world;
    const leading = (this.#leading = new AbortController());
    const { signal } = leading;
    const lost = (thrown: unknown) => this.#lost(leading, name, thrown);
    return new Promise((resolve, reject) => {
      const first = (lock: Lock | null) => {
        resolve();
        if (signal.aborted) return undefined;
        if (lock) return this.#lead(signal);
        this.#watch.heard();
        // It is not waited for here, where no lock is held.
        void locks.request(name, { signal }, () => this.#lead(signal)).catch(lost);
        return undefined;
      };
      locks.request(name, { ifAvailable: true }, first).catch((thrown) => {
        // Once it leads, this is a lock that was taken away.
        if (this.#leads) lost(thrown);
        reject(thrown);
      });
    });
  }

  /** The leader does not answer: it is frozen, or busy. Its lock is taken away from it. */
  #takeOver(): void {
    if (!this.#stay || this.#leads) return;
    this.#leading?.abort();
    const leading = (this.#leading = new AbortController());
    void this.#kit.name.then((name) => {
      if (leading.signal.aborted) return;
      const lead = () => this.#lead(leading.signal);
      this.#kit.world.locks.request(name, { steal: true }, lead).catch((thrown) => this.#lost(leading, name, thrown));
    });
  }

  /** Another tab has taken the lock away, or this tab has left. */
  #lost(leading: AbortController, name: string, thrown: unknown): void {
    if (leading !== this.#leading || leading.signal.aborted) return;
    leading.abort();
    this.#leads = false;
    this.#stream.close();
    const seen = (thrown as Error)?.name === "AbortError" ? this.#seek(name) : Promise.reject(thrown);
    seen.catch(() => {
      this.#leads = !!this.#stay;
      this.#greet();
    });
    this.#break();
  }

  /** Leads until the signal. */
  #lead(signal: AbortSignal): Promise<void> | undefined {
    if (signal.aborted || !this.#stay) return undefined;
    this.#watch.stop();
    const after = this.#spoken;
    this.#leads = true;
    // Later than that of any leader that was heard, and of most that were not.
    this.#spoken = { from: this.#tab, term: Math.max(after.term + 1, Date.now()), turn: 0 };
    this.#queue = [];
    if (this.#isFollowing) {
      // Where the other one was, though the list of this tab may be later: others may have heard no more than that one has told.
      this.#stream.follow(this.#at);
      this.#announce(true, after);
    }
    this.#greet();
    return untilAborted(signal);
  }

  // What tabs say.

  #post(message: Message): void {
    this.#channel?.postMessage(message);
  }

  #tell(word: Word): void {
    if (!this.#leads || !this.#isFollowing) return;
    this.#spoken = { ...this.#spoken, turn: this.#spoken.turn + 1 };
    this.#post({ ...this.#spoken, word });
  }

  #announce(isNew: boolean, after?: Spoken): void {
    this.#spoken = { ...this.#spoken, turn: this.#spoken.turn + 1 };
    const place = this.#isFollowing ? this.#stream.place : "";
    this.#post({ ...this.#spoken, word: { kind: "here", place, state: this.#stream.state, isNew, after } });
  }

  #receive(message: Message | undefined): void {
    if (!message || !this.#stay) return;
    if ("word" in message) return this.#leads ? this.#rival(message) : this.#told(message);
    if (!this.#leads) return;
    if (message.ask === "ping") this.#announce(false);
    // Its timers may sleep where the other page is seen.
    else if (this.#isFollowing && this.#stream.state === "waiting") this.#stream.follow(this.#stream.place);
  }

  /** Another tab leads, too. The one that has lost the lock will hear of it; until then the other one is the later one. */
  #rival({ term }: Told): void {
    if (term < this.#spoken.term) return;
    this.#spoken = { ...this.#spoken, term: term + 1 };
    this.#announce(true);
  }

  #told({ from, term, turn, word }: Told): void {
    const before = this.#spoken;
    if (term < before.term) return;
    this.#watch.heard();
    this.#spoken = { from, term, turn };
    const isNext = isSame({ from, term, turn: turn - 1 }, before);
    if (word.kind === "here") return this.#here(word, word.isNew ? isSame(word.after, before) : isNext);
    if (!isNext) return this.#break();
    if (word.kind === "record") this.#at = word.place;
    if (!this.#isWhole) return;
    if (this.#isFollowing) this.#hear(word);
    else if (this.#queue.push(word) > QUEUE_MAX) this.#break();
  }

  /** The leader says where it is. `isWhole`: this tab has heard all that was told before. */
  #here({ place, state }: Extract<Word, { kind: "here" }>, isWhole: boolean): void {
    if (!isWhole) this.#break();
    if (!place) return;
    this.#at = place;
    this.#leaderState = state;
    if (this.#greeted) {
      this.#isWhole = true;
      this.#queue = [];
      this.#greet();
    } else if (this.#isFollowing) this.#listener.state(state, 0);
  }

  #greet(): void {
    this.#greeted?.();
    this.#greeted = undefined;
  }

  /** Something was missed. While the list is on its way, that is found when it has come. */
  #break(): void {
    this.#isWhole = false;
    this.#queue = [];
    if (!this.#isFollowing) return;
    this.#isFollowing = false;
    this.#listener.lost(false);
  }

  #hear(word: Word): void {
    const { world } = this.#kit;
    const listener = this.#listener;
    if (word.kind === "record") {
      this.#at = word.place;
      listener.record(word);
    } else if (word.kind === "begins") listener.begins(word.count);
    else if (word.kind === "counts") listener.counts(word.count);
    else if (word.kind === "failed") listener.failed(word.failure && failureOf(word.failure), true, word.retryInMs);
    else if (word.kind === "state") {
      this.#leaderState = word.state;
      listener.state(word.state, word.retryInMs);
      // Browsers let hidden pages sleep, so one that is seen is sooner back.
      const { term } = this.#spoken;
      if (this.#leads || word.state !== "waiting" || !word.isHidden || world.isHidden()) return;
      setTimeout(() => term === this.#spoken.term && this.#leaderState === "waiting" && this.#takeOver(), TAKE_OVER_MS * Math.random());
    }
  }
}

function isSame(one: Spoken | undefined, other: Spoken): boolean {
  return one?.from === other.from && one.term === other.term && one.turn === other.turn;
}

function said({ message, status, problem, retryAfterMs }: Failure) {
  return { message, status, problem, retryAfterMs };
}

function failureOf({ message, status, problem, retryAfterMs }: ReturnType<typeof said>): Failure {
  return new Failure(message, status, problem, retryAfterMs);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });
}
