// The one connection of all tabs, in the tab that leads: asks for all that the tabs want, and tells them what comes.

import type { Shown } from "../access.js";
import type { Ask, Carry, Transport } from "../carry.js";
import type { Failure } from "../failure.js";
import type { Source, State } from "../source.js";
import { ENVELOPE, opened, type Placed } from "./envelope.js";
import type { Group } from "./group.js";
import type { Kit } from "./kit.js";
import type { Item, Wishes } from "./messages.js";
import { contains, SELECTORS_MAX, unionOf } from "./selectors.js";

/** A URL that is longer is asked for by `POST`: some servers on the way take no more than 8 KiB. */
const URL_LENGTH_MAX = 4_000;
/** Tabs that come within this time are waited for, since each change of the topics is another request. */
const GROW_MS = 1_000;
/** What nobody wants any more is left out after this time. */
const SHRINK_MS = 10_000;
/** Types of the hub's own events. */
const OWN = "tidings.";
const GAP = "tidings.gap";
const OPEN = "tidings.open";
/** As in the core: heartbeats that may fail to come, and how often they come. Timers of a hidden page may be a minute late. */
const HEARTBEATS_MISSED = 2.5;
const HEARTBEAT_MS = 15_000;
const SILENCE_MS_MIN = 60_000;

export interface LeaderListener {
  /** To all tabs, this one included. */
  say(items: readonly Item[]): void;
  /** Before each request. False: this page shows another user by now. */
  isStill(shown: Shown): Promise<boolean>;
  /** The hub refuses for good, or is none. `failure`: it has refused what this tab itself wants. */
  refused(failure?: Failure): void;
}

/** Where a tab begins to lead. */
export interface Begin {
  /** Of all tabs that are known, this one's among them. */
  wishes: Wishes;
  place: string;
  isPlaced: boolean;
}

export class Leader {
  readonly #kit: Kit;
  readonly #group: Group;
  readonly #listener: LeaderListener;
  readonly #tab: string;
  /** What all tabs want. */
  #wishes: Wishes;
  /** Those of them that the connection brings from the place on that was told with them. */
  #followed: Wishes = {};
  #source: Source | undefined;
  #place: string;
  /** The place is one of the hub, which means the same whatever is asked for. An id that the page has given may not. */
  #isPlaced: boolean;
  #state: State = "connecting";
  #transport: Transport;
  #opening = "";
  /** What the last request has asked for. */
  #union: readonly string[] = [];
  /** The client itself has left a connection that was open: nothing has happened that tabs need to know. */
  #isQuiet = false;
  #changedAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heardAt = Date.now();
  #heartbeatMs = HEARTBEAT_MS;

  constructor(kit: Kit, group: Group, tab: string, { wishes, place, isPlaced }: Begin, listener: LeaderListener) {
    this.#kit = kit;
    this.#group = group;
    this.#tab = tab;
    this.#wishes = wishes;
    this.#place = place;
    this.#isPlaced = isPlaced;
    this.#transport = kit.transports[0]!;
    this.#listener = listener;
  }

  start(): void {
    const { core, planOf, asked, transports } = this.#kit;
    this.#heardAt = Date.now();
    this.#source = core.sourceOf(
      { ...planOf(asked, transports), ask: (transport, id, isFirst) => this.#ask(transport, id, isFirst) },
      {
        state: (state, retryInMs = 0) => this.#tell({ kind: "state", state: (this.#state = state), retryInMs }, state === "connecting"),
        transport: (transport) => this.#tell({ kind: "transport", transport: (this.#transport = transport) }),
        open: (origin) => {
          this.#tell({ kind: "open", origin }, true);
          this.#isQuiet = false;
        },
        event: (event) => this.#hear(event as Placed),
        id: (id) => this.#reach(id),
        ended: (failure, willRetry, afterMs) => this.#ended(failure, willRetry, afterMs),
        // A page that is slow stalls no other one: each tab has a queue of its own.
        room: () => undefined,
      },
      this.#place,
    );
    this.#followed = this.#isPlaced ? this.#wishes : { [this.#tab]: this.#group.selectors };
    this.announce();
    this.#source.start();
  }

  close(): void {
    clearTimeout(this.#timer);
    const source = this.#source;
    this.#source = undefined;
    source?.close();
  }

  /** Says what is followed, and from where on. */
  announce(): void {
    const state = this.#isQuiet ? "open" : this.#state;
    this.#listener.say([
      { kind: "term", wishes: this.#followed, place: this.#isPlaced ? this.#place : "", state, transport: this.#transport, opening: this.#opening },
    ]);
  }

  /** A tab wants this. */
  join(tab: string, wishes: readonly string[]): void {
    const joined = { ...this.#wishes, [tab]: wishes };
    if (unionOf(Object.values(joined)).length > SELECTORS_MAX) return this.#listener.say([{ kind: "alone", tabs: [tab] }]);
    this.#wishes = joined;
    this.#adopt(GROW_MS);
  }

  /** A tab has gone. */
  leave(tab: string): void {
    if (!(tab in this.#wishes)) return;
    const { [tab]: _, ...left } = this.#wishes;
    this.#wishes = left;
    this.#timer ??= setTimeout(() => this.#change(0), SHRINK_MS);
  }

  /** Another tab asks whether this one is there. A stream that has died is noticed, too, where timers sleep. */
  ping(): void {
    this.#listener.say([]);
    if (this.#state === "open" && Date.now() - this.#heardAt > Math.max(this.#heartbeatMs * HEARTBEATS_MISSED, SILENCE_MS_MIN)) {
      this.#heardAt = Date.now();
      this.#source?.restart();
    }
  }

  wake(): void {
    this.#source?.wake();
  }

  /** Follows what is wanted now. */
  #adopt(afterMs: number): void {
    // Until there is a place, only this tab's request can be made.
    if (!this.#isPlaced) return;
    const isCovered = this.#wanted().every((inner) => this.#union.some((outer) => contains(outer, inner)));
    if (!isCovered) return this.#change(afterMs);
    this.#followed = this.#wishes;
    this.announce();
  }

  /** Asks for other topics, at the place where it is; not again and again. */
  #change(afterMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#source || !this.#isPlaced) return;
    const leftMs = this.#changedAt + afterMs - Date.now();
    if (leftMs > 0) {
      this.#timer = setTimeout(() => this.#change(afterMs), leftMs);
      return;
    }
    if (isSame(this.#union, this.#wanted())) return;
    this.#changedAt = Date.now();
    this.#isQuiet ||= this.#state === "open";
    this.#source.restart();
  }

  async #ask(transport: Transport, id: string, isFirst: boolean): Promise<Ask> {
    const { core, asked, transports, planOf } = this.#kit;
    const shown = await core.show(asked);
    if (!(await this.#listener.isStill(shown))) throw new Error("another user");
    const own = unionOf([this.#group.selectors]);
    this.#union = this.#isPlaced ? this.#wanted() : own;
    if (this.#isPlaced && this.#followed !== this.#wishes) {
      this.#followed = this.#wishes;
      this.announce();
    }
    // Until there is a place, only the URL of this tab says where to begin; and a tab alone asks for what it would ask for otherwise.
    const isOwn = isSame(this.#union, own);
    const url = isOwn ? core.absolute(asked.url as string | URL) : new URL(this.#group.events);
    const topics = isOwn ? asked.topics : this.#union;
    const isLong = url.href.length + topics.join("&topic=").length > URL_LENGTH_MAX;
    url.searchParams.set(...ENVELOPE);
    const { headers, token } = shown;
    const plan = planOf({ ...asked, url, topics, headers, token }, transports);
    const ask = await plan.ask(isLong && transport === "sse" ? "post" : transport, id, isFirst);
    return { ...ask, carry: opened(this.#noticing(ask.carry ?? core.carryByFetch)) };
  }

  #noticing(carry: Carry): Carry {
    return (ask, hear, signal) =>
      carry(
        ask,
        {
          ...hear,
          bytes: () => {
            this.#heardAt = Date.now();
            hear.bytes();
          },
          heartbeat: (ms) => {
            this.#heartbeatMs = ms;
            hear.heartbeat(ms);
          },
        },
        signal,
      );
  }

  #hear(event: Placed): void {
    if (event.type === GAP) this.#tell({ kind: "gap", event });
    else if (!event.type.startsWith(OWN)) this.#tellEvent(event);
    else if (event.type === OPEN) this.#tell({ kind: "place", event: { ...event, data: (this.#opening = openingOf(event.data)) } });
    // Where the stream stands, or that its access is over: the tabs have one user, and each may renew what it shows.
    else this.#tell({ kind: "place", event });
  }

  #tellEvent(event: Placed): void {
    if (event.cursor) this.#tell({ kind: "event", event });
    else this.#listener.refused();
  }

  #reach(place: string): void {
    const isFirst = !this.#isPlaced;
    this.#place = place;
    this.#isPlaced = true;
    // Others may have come before there was a place.
    if (isFirst) void Promise.resolve().then(() => this.#source && this.#adopt(0));
  }

  #ended(failure: Failure | undefined, willRetry: boolean, afterMs: number): void {
    this.#isQuiet = false;
    if (willRetry) {
      const said = failure && { message: failure.message, status: failure.status, problem: failure.problem, retryAfterMs: failure.retryAfterMs };
      return this.#tell({ kind: "ended", failure: said, afterMs, isHidden: this.#kit.world.isHidden() });
    }
    // Tabs of one user may have tokens that give different grants. Those that want more than this one's gives ask by themselves.
    const uncovered = failure?.problem?.["uncovered"];
    const refused = failure?.status === 403 && Array.isArray(uncovered) ? this.#wanting(uncovered) : [];
    this.#wishes = Object.fromEntries(Object.entries(this.#wishes).filter(([tab]) => !refused.includes(tab)));
    // It is not asked for the same again; but what was refused may be what another tab wanted, which has gone.
    if (refused.includes(this.#tab) || isSame(this.#union, this.#wanted())) {
      return this.#listener.refused(isSame(this.#union, unionOf([this.#group.selectors])) ? failure : undefined);
    }
    if (refused.length) this.#listener.say([{ kind: "alone", tabs: refused }]);
    this.#state = "connecting";
    this.start();
  }

  #wanting(selectors: readonly unknown[]): string[] {
    return Object.keys(this.#wishes).filter((tab) => this.#wishes[tab]!.some((wish) => selectors.includes(wish)));
  }

  #tell(item: Item, isNoise = false): void {
    // A source that was closed says so; a leader that has none says nothing.
    if (!this.#source || (isNoise && this.#isQuiet) || (item.kind === "state" && (item.state === "closed" || (item.state === "open" && this.#isQuiet)))) return;
    this.#listener.say([item]);
  }

  #wanted(): string[] {
    return unionOf(Object.values(this.#wishes));
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((selector, at) => selector === other[at]);
}

/** What tabs hear of the beginning. The connection has another name: a page that publishes with `except` would keep the event from all tabs. */
function openingOf(data: string): string {
  try {
    const { connection, ...opening } = JSON.parse(data);
    return JSON.stringify({ ...opening, shared_connection: connection });
  } catch {
    return "";
  }
}
