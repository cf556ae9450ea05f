// A tab among others. It hears what the leader tells, in order and once, and leads when it is its turn.
//
// A tab comes by catching up: it polls from its own place until an answer is empty that was asked for after the leader had said that it follows
// what this tab wants. What the leader tells meanwhile waits in a queue. Afterwards the queue is told, without what the polls have
// brought. Whenever a tab may have missed something it catches up again, so no message needs to be kept by anybody.

import type { Shown } from "../access.js";
import type { StreamEvent } from "../event.js";
import type { Failure } from "../failure.js";
import type { State } from "../source.js";
import type { Feed } from "../subscription.js";
import { CatchUp } from "./catch-up.js";
import type { Placed } from "./envelope.js";
import type { Group } from "./group.js";
import { Heard } from "./heard.js";
import type { Kit } from "./kit.js";
import { Leader } from "./leader.js";
import { type Asked, type Item, type Message, read, type Told, type Wishes } from "./messages.js";
import { contains } from "./selectors.js";
import { Watch } from "./watch.js";

/** What the leader may tell before this tab has caught up, or has room. Beyond it the tab forgets it and catches up from its place. */
const QUEUE_MAX = 10_000;
/** Answers about topics that are remembered. */
const TOPICS_MAX = 1_000;
/** A tab whose own topics are silent keeps a place that is as old as this at most. */
const PLACE_MS = 60_000;
/** Tabs that are seen do not all take over from a hidden one at once. */
const TAKE_OVER_MS = 300;

const OWN = "tidings.";
const GAP = "tidings.gap";
const OPEN = "tidings.open";

type Channel = ReturnType<Kit["world"]["channelOf"]>;

export class Member implements Feed {
  readonly #kit: Kit;
  readonly #group: Group;
  readonly #tab: string;
  readonly #heard = new Heard();
  readonly #isWanted = new Map<string, boolean>();
  readonly #watch: Watch;
  /** Ends what watches the page. */
  readonly #life = new AbortController();
  /** Ends what this tab does in the group; undefined while it is in none. */
  #stay: AbortController | undefined;
  #name = "";
  #channel: Channel | undefined;
  #isClosed = false;
  /** A connection of its own, once it has left for good. */
  #alone: Feed | undefined;

  #leader: Leader | undefined;
  #leading: AbortController | undefined;
  #catchUp: CatchUp | undefined;
  /** Of the leader that it hears: see `Told`. Two that begin in one millisecond have one term, so its name counts, too. */
  #from = "";
  #term = 0;
  #turn = 0;
  #wishes: Wishes = {};
  /** The leader follows what this tab wants, and each of its messages since then has come. */
  #isAnchored = false;
  /** How often that has begun anew. */
  #anchors = 0;
  /** It has everything up to where the leader's messages go on. */
  #isLevel = false;
  /** It has more than that. */
  #isAhead = false;
  #queue: Item[] = [];
  #isWaiting = false;

  #place: string;
  /** The place is one of the hub. */
  #isPlaced = false;
  /** The hub has let this tab read what it wants. */
  #isLetIn = false;
  #toldAt = 0;
  /** What the page was told of the connection. */
  #opening = "";
  /** The hub's time at the last poll; empty once something later was heard. */
  #hubTime = "";
  #state: State = "connecting";
  #transport: string | undefined;

  constructor(kit: Kit, group: Group) {
    this.#kit = kit;
    this.#group = group;
    this.#tab = kit.world.nameOf();
    this.#place = kit.id;
    this.#watch = new Watch({ ask: () => this.#post({ from: this.#tab, word: "ping" }), silent: () => this.#takeOver() });
  }

  start(): void {
    const { core, world } = this.#kit;
    const sleep = () => this.#leave();
    core.watchPage({ wake: () => this.#wake(), sleep }, this.#life.signal);
    world.watchFreeze(sleep, this.#life.signal);
    void this.#enter();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#end();
    if (this.#alone) this.#alone.close();
    else this.#say("closed");
  }

  // Coming and going.

  async #enter(): Promise<void> {
    if (this.#stay || this.#isClosed || this.#alone) return;
    const stay = (this.#stay = new AbortController());
    const { core, asked, world } = this.#kit;
    try {
      const name = await this.#group.nameFor(await core.show(asked));
      if (stay.signal.aborted) return;
      this.#name = name;
      this.#channel = world.channelOf(name);
      this.#channel.onmessage = ({ data }) => this.#receive(read(data));
      // The leader waits for this lock, and has it when this tab has gone, however it went.
      await this.#hold(`${name} ${this.#tab}`, stay.signal);
      if (!stay.signal.aborted) this.#seek();
    } catch {
      // What the page shows cannot be made now. A connection of its own says so, and comes back.
      if (!stay.signal.aborted) this.#goAlone();
    }
  }

  /** Leaves the group: it may come again. */
  #leave(): void {
    const stay = this.#stay;
    if (!stay) return;
    this.#post({ from: this.#tab, word: "leave" });
    this.#stay = undefined;
    this.#stopLeading();
    this.#catchUp?.close();
    this.#catchUp = undefined;
    this.#watch.stop();
    if (this.#channel) {
      this.#channel.onmessage = null;
      this.#channel.close();
    }
    this.#channel = undefined;
    this.#term = this.#turn = 0;
    this.#wishes = {};
    stay.abort();
    if (!this.#isClosed) this.#say("connecting");
  }

  #end(): void {
    this.#leave();
    this.#life.abort();
  }

  /** Leaves it for good, for a connection of its own. */
  #goAlone(): void {
    if (this.#isClosed || this.#alone) return;
    this.#end();
    this.#alone = this.#kit.alone(this.#place);
    this.#alone.start();
  }

  /** What is no matter of access may be one of the way in which tabs ask, so it asks in its own way before it gives up. */
  #refused(failure: Failure | undefined): void {
    if (failure?.status !== 401 && failure?.status !== 403) return this.#goAlone();
    this.close();
    this.#kit.listener.ended(failure, false, 0);
  }

  #wake(): void {
    if (!this.#stay) return void this.#enter();
    this.#catchUp?.hurry();
    if (this.#leader) this.#leader.wake();
    else this.#post({ from: this.#tab, word: "wake" });
  }

  // Who leads.

  /** Holds a lock until the signal; returns when it has it. */
  #hold(name: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const held = () => {
        resolve();
        return untilAborted(signal);
      };
      this.#kit.world.locks.request(name, { signal }, held).catch(reject);
    });
  }

  /** Leads, if nobody does; else follows, and waits for its turn. */
  #seek(): void {
    const { locks } = this.#kit.world;
    const seeking = (this.#leading = new AbortController());
    const { signal } = seeking;
    const lead = () => this.#lead(signal);
    const first = (lock: Lock | null) => {
      if (signal.aborted) return undefined;
      if (lock) return lead();
      this.#follow();
      // It is not waited for here, where another lock is to be given back.
      void locks.request(this.#name, { signal }, lead).catch((thrown) => this.#lost(seeking, thrown));
      return undefined;
    };
    locks.request(this.#name, { ifAvailable: true }, first).catch((thrown) => this.#lost(seeking, thrown));
  }

  /** The leader does not answer: it is frozen, or busy. Its lock is taken away from it. */
  #takeOver(): void {
    if (!this.#stay || this.#leader) return;
    this.#leading?.abort();
    const leading = (this.#leading = new AbortController());
    this.#kit.world.locks
      .request(this.#name, { steal: true }, () => this.#lead(leading.signal))
      .catch((thrown) => this.#lost(leading, thrown));
  }

  /** Another tab has taken the lock away, or this tab has left. */
  #lost(leading: AbortController, thrown: unknown): void {
    if (leading !== this.#leading || leading.signal.aborted) return;
    this.#stopLeading();
    if ((thrown as Error)?.name !== "AbortError") this.#goAlone();
    else if (this.#stay) this.#seek();
  }

  #stopLeading(): void {
    this.#leading?.abort();
    this.#leading = undefined;
    this.#leader?.close();
    this.#leader = undefined;
    this.#isAnchored = this.#isLevel = false;
    this.#queue = [];
  }

  /** Leads until the signal. */
  #lead(signal: AbortSignal): Promise<void> | undefined {
    if (signal.aborted || !this.#stay) return undefined;
    this.#watch.stop();
    this.#catchUp?.close();
    this.#catchUp = undefined;
    this.#queue = [];
    this.#isAnchored = this.#isLevel = this.#isLetIn = true;
    this.#isAhead = false;
    this.#anchors += 1;
    // Later than that of any leader that was heard, and of most that were not.
    this.#term = Math.max(this.#term + 1, Date.now());
    this.#from = this.#tab;
    this.#turn = 0;
    const out: Item[] = [];
    let isPosted = true;
    const post = () => {
      isPosted = true;
      if (signal.aborted) return;
      this.#turn += 1;
      this.#post({ from: this.#tab, term: this.#term, turn: this.#turn, items: out.splice(0) });
    };
    const wishes = { ...this.#wishes, [this.#tab]: this.#group.selectors };
    const leader = new Leader(this.#kit, this.#group, this.#tab, { wishes, place: this.#place, isPlaced: this.#isPlaced }, {
      say: (items) => {
        out.push(...items);
        // What comes in one piece goes out in one message.
        if (isPosted) queueMicrotask(post);
        isPosted = false;
        for (const item of items) this.#take(item);
      },
      isStill: (shown) => this.#isStill(shown),
      refused: (failure) => this.#refused(failure),
    });
    this.#leader = leader;
    for (const tab of Object.keys(this.#wishes)) this.#await(tab, signal);
    leader.start();
    return untilAborted(signal);
  }

  /** Waits for the end of another tab. */
  #await(tab: string, signal: AbortSignal): void {
    if (tab === this.#tab) return;
    const gone = () => this.#leader?.leave(tab);
    this.#kit.world.locks.request(`${this.#name} ${tab}`, { signal }, gone).catch(() => {});
  }

  async #isStill(shown: Shown): Promise<boolean> {
    const stay = this.#stay;
    if (!stay || (await this.#group.nameFor(shown)) === this.#name) return !!stay && !stay.signal.aborted;
    // The page shows another user by now, who has tabs of its own.
    if (stay === this.#stay) {
      this.#leave();
      void this.#enter();
    }
    return false;
  }

  // What tabs say.

  #post(message: Message): void {
    this.#channel?.postMessage(message);
  }

  #receive(message: Message | undefined): void {
    if (!message || !this.#stay) return;
    if ("word" in message) this.#asked(message);
    else if (this.#leader) this.#rival(message);
    else this.#told(message);
  }

  #asked({ from, word, wishes }: Asked): void {
    const leader = this.#leader;
    if (word === "leave") {
      const { [from]: _, ...left } = this.#wishes;
      this.#wishes = left;
      leader?.leave(from);
    } else if (word === "join") {
      if (!(from in this.#wishes) && leader) this.#await(from, this.#leading!.signal);
      this.#wishes = { ...this.#wishes, [from]: wishes! };
      leader?.join(from, wishes!);
    } else if (word === "ping") leader?.ping();
    else leader?.wake();
  }

  /** Another tab leads, too. The one that has lost the lock will hear of it; until then the other one is the later one. */
  #rival({ term }: Told): void {
    if (term < this.#term) return;
    this.#term = term + 1;
    this.#leader!.announce();
  }

  #told({ from, term, turn, items }: Told): void {
    if (term < this.#term) return;
    this.#watch.heard();
    const isNext = from === this.#from && term === this.#term && turn === this.#turn + 1;
    this.#from = from;
    this.#term = term;
    this.#turn = turn;
    // What came before the leader says what it follows, or what is missing, is of no use.
    if (!isNext) this.#isAnchored = false;
    for (const item of items) if (this.#stay) this.#take(item);
    if (!isNext && !this.#isAnchored && this.#isLetIn) this.#join();
  }

  // Following.

  /** Begins to hear the leader. */
  #follow(): void {
    this.#watch.heard();
    this.#catchUpFrom();
  }

  #join(): void {
    this.#post({ from: this.#tab, word: "join", wishes: this.#group.selectors });
  }

  #catchUpFrom(): void {
    if (this.#catchUp || this.#isLevel || !this.#stay) return;
    let anchorsAtAsk = -1;
    let queuedAtAsk = 0;
    const catchUp: CatchUp = new CatchUp(this.#kit, this.#place, {
      asks: async () => {
        const shown = await this.#kit.core.show(this.#kit.asked);
        if (!(await this.#isStill(shown))) throw new Error("another user");
        anchorsAtAsk = this.#isAnchored ? this.#anchors : -1;
        queuedAtAsk = this.#queue.length;
        return shown;
      },
      begins: (time) => {
        this.#hubTime = time;
        // The hub lets this tab read what it wants, so the leader may read it for this tab.
        this.#isLetIn = true;
        if (!this.#isAnchored) this.#join();
      },
      open: (origin) => {
        if (this.#state === "open") return;
        this.#say("open");
        this.#kit.listener.open(origin);
      },
      event: (event) => {
        // Where a poll begins is nothing that the page could use.
        if (event.type === OPEN) return;
        if (event.cursor) this.#reach(event.cursor, true);
        this.#tell(event);
        // Where the leader has told of it, too, the queue has what comes behind it.
        const at = event.cursor ? this.#queue.findIndex((item) => item.kind === "event" && item.event.cursor === event.cursor) : -1;
        if (at < 0 || this.#catchUp !== catchUp) return;
        this.#levelUp(at + 1);
      },
      place: (cursor) => {
        this.#heard.add(cursor);
        this.#reach(cursor, true);
      },
      ended: (isEmpty) => {
        if (this.#catchUp !== catchUp) return;
        if (isEmpty && anchorsAtAsk === this.#anchors && this.#isAnchored) this.#levelUp(queuedAtAsk);
        else if (!isEmpty || this.#isAnchored) catchUp.hurry();
      },
      failed: (failure, willRetry, afterMs) => {
        if (this.#catchUp !== catchUp) return;
        if (!willRetry) return this.#refused(failure);
        this.#say("waiting", afterMs);
        this.#kit.listener.ended(failure, true, afterMs);
      },
    });
    this.#catchUp = catchUp;
    catchUp.start();
  }

  /** It has caught up with the leader: tells what has waited, but for what the leader had told before the last poll, which has brought all of that. */
  #levelUp(covered: number): void {
    this.#catchUp?.close();
    this.#catchUp = undefined;
    this.#isLevel = this.#isAhead = true;
    this.#queue = this.#queue.filter(({ kind }, at) => at >= covered || !["event", "gap"].includes(kind));
    this.#drain();
  }

  /** It may have missed something. */
  #fallBehind(): void {
    this.#isLevel = false;
    this.#queue = [];
    this.#anchors += 1;
    if (!this.#isWaiting) this.#catchUpFrom();
  }

  #take(item: Item): void {
    if (item.kind === "term") return this.#anchor(item);
    if (item.kind === "alone") return item.tabs.includes(this.#tab) ? this.#goAlone() : undefined;
    if (!this.#isAnchored) return;
    if (this.#isLevel && !this.#isWaiting && !this.#queue.length) return this.#hear(item);
    this.#queue.push(item);
    // The leader has passed something over that a poll may still bring.
    if (item.kind === "gap" && !this.#isLevel) this.#anchors += 1;
    if (this.#queue.length > QUEUE_MAX) this.#fallBehind();
    else if (this.#isLevel) this.#drain();
  }

  /** From `place` on the leader follows what its `wishes` say. */
  #anchor({ wishes, place, state, transport, opening }: Extract<Item, { kind: "term" }>): void {
    if (this.#leader) return void (this.#wishes = wishes);
    this.#wishes = wishes;
    if (!(this.#tab in wishes)) {
      this.#isAnchored = false;
      // One that has not shown yet that the hub lets it in does so first.
      if (this.#isLetIn) this.#join();
      return;
    }
    if (!place || this.#isAnchored) return;
    this.#isAnchored = true;
    this.#anchors += 1;
    // A tab that was let in is open while the leader asks.
    const states: Item[] = state === "connecting" ? [] : [{ kind: "state", state, retryInMs: 0 }];
    // What still waits is told again from `place` on.
    this.#queue = [{ kind: "transport", transport }, ...states];
    if (opening && opening !== this.#opening) {
      this.#queue.push({ kind: "place", event: { type: OPEN, data: opening, id: place, topic: "", time: "", cursor: "" } });
    }
    if (this.#isLevel && this.#heard.has(place)) {
      this.#isAhead = place !== this.#place;
      return this.#drain();
    }
    this.#isLevel = false;
    if (this.#catchUp) this.#catchUp.hurry();
    else if (!this.#isWaiting) this.#catchUpFrom();
  }

  /** Tells what is in the queue, as far as there is room. */
  #drain(): void {
    while (!this.#isWaiting && this.#isLevel) {
      const item = this.#queue.shift();
      if (!item) return;
      this.#hear(item);
    }
  }

  #hear(item: Item): void {
    const { listener } = this.#kit;
    if (item.kind === "event") this.#hearEvent(item.event);
    else if (item.kind === "gap" && this.#isAhead) this.#doubt();
    else if (item.kind === "gap") {
      this.#reach(item.event.cursor, true);
      this.#tell(item.event);
      this.#heard.add(item.event.cursor);
    } else if (item.kind === "place") this.#hearPlace(item.event);
    else if (item.kind === "state") this.#say(item.state, item.retryInMs);
    else if (item.kind === "transport") {
      if (item.transport !== this.#transport) listener.transport((this.#transport = item.transport) as typeof item.transport);
    } else if (item.kind === "open") listener.open(item.origin);
    else if (item.kind === "ended") this.#hearEnd(item);
    this.#waitForRoom();
  }

  #hearEvent(event: Placed): void {
    const { cursor, time, topic } = event;
    const order = this.#heard.compare(time);
    if (this.#heard.has(cursor) || order < 0) return;
    const isWanted = this.#wants(topic);
    if (this.#isAhead) {
      // What was published after the last poll is later than everything that it has brought.
      const isLater = this.#hubTime !== "" && time > this.#hubTime;
      if (!isLater && !isWanted) return;
      if (!isLater && order === 0) return this.#doubt();
      this.#isAhead = false;
      this.#hubTime = "";
    }
    this.#heard.add(cursor, time);
    this.#reach(cursor, isWanted);
    if (isWanted) this.#tell(event);
  }

  #hearPlace(event: Placed): void {
    const { cursor, type, data } = event;
    if (cursor) {
      if (!this.#isAhead) this.#reach(cursor, true);
      this.#heard.add(cursor);
    }
    if (type === OPEN) this.#opening = data;
    this.#tell(event);
  }

  /** It may be behind what the leader tells now, or not: another poll says so, and brings it. */
  #doubt(): void {
    this.#isLevel = false;
    this.#anchors += 1;
    this.#catchUpFrom();
  }

  #hearEnd({ failure, afterMs, isHidden }: Extract<Item, { kind: "ended" }>): void {
    const { listener, core, world } = this.#kit;
    const said = failure && new core.Failure(failure.message, failure.status, failure.problem, failure.retryAfterMs);
    listener.ended(said, true, afterMs);
    // Browsers let hidden pages sleep, so one that is seen is sooner back.
    const term = this.#term;
    if (!isHidden || world.isHidden() || this.#leader) return;
    setTimeout(() => term === this.#term && this.#state === "waiting" && this.#takeOver(), TAKE_OVER_MS * Math.random());
  }

  #tell(event: Placed): void {
    const { cursor, ...told } = event;
    if (!told.type.startsWith(OWN)) this.#heard.add(cursor, told.time);
    else if (told.type === GAP) this.#heard.clear();
    this.#kit.listener.event(told satisfies StreamEvent);
  }

  /** `isDue`: tells the page in any case. */
  #reach(cursor: string, isDue: boolean): void {
    this.#place = cursor;
    this.#isPlaced = true;
    const now = Date.now();
    if (!isDue && now - this.#toldAt < PLACE_MS) return;
    this.#toldAt = now;
    this.#kit.listener.id(cursor);
  }

  #waitForRoom(): void {
    const room = this.#kit.listener.room();
    if (!room) return;
    this.#isWaiting = true;
    void room.then(() => {
      this.#isWaiting = false;
      if (this.#isLevel) this.#drain();
      else this.#catchUpFrom();
    });
  }

  #wants(topic: string): boolean {
    let isWanted = this.#isWanted.get(topic);
    if (isWanted === undefined) {
      if (this.#isWanted.size >= TOPICS_MAX) this.#isWanted.clear();
      this.#isWanted.set(topic, (isWanted = this.#group.selectors.some((selector) => contains(selector, topic))));
    }
    return isWanted;
  }

  #say(state: State, retryInMs = 0): void {
    this.#state = state;
    this.#kit.listener.state(state, retryInMs);
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });
}
