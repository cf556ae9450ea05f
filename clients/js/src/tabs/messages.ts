// What tabs say to each other. None of these members may be one of those that `build.js` shortens. Tabs may run different versions of this script, so each change of these messages needs another `VERSION`.
// Any page of this origin can say anything here: what is no message is nothing.

import type { Transport } from "../carry.js";
import type { Problem } from "../failure.js";
import type { State } from "../source.js";
import type { Placed } from "./envelope.js";

/** Stands in the names of channels and locks, so that versions that speak otherwise never meet. */
export const VERSION = "1";

/** What each tab wants to hear. */
export type Wishes = Record<string, readonly string[]>;

/** What the leader tells, one after the other. */
export type Item =
  /** From `place` on, all of this follows. An empty place: it is not known yet. `opening` is the data of `tidings.open`, as tabs hear it. */
  | { kind: "term"; wishes: Wishes; place: string; state: State; transport: Transport; opening: string }
  | { kind: "event"; event: Placed }
  | { kind: "gap"; event: Placed }
  /** The hub says something of the stream: where it begins or stands, or that its access is over. */
  | { kind: "place"; event: Placed }
  | { kind: "state"; state: State; retryInMs: number }
  | { kind: "transport"; transport: Transport }
  | { kind: "open"; origin: string }
  | { kind: "ended"; failure: Said | undefined; afterMs: number; isHidden: boolean }
  /** These tabs are to have connections of their own. */
  | { kind: "alone"; tabs: readonly string[] };

/** A `Failure`, as it travels. */
export interface Said {
  message: string;
  status: number;
  problem: Problem | undefined;
  retryAfterMs: number;
}

/** Of the tab that leads. Of two that lead, the one with the higher `term` has taken over. `turn` counts its messages. */
export interface Told {
  from: string;
  term: number;
  turn: number;
  items: readonly Item[];
}

/** Of any tab, for the one that leads and for those that may lead after it. */
export interface Asked {
  from: string;
  /** `join` with its wishes; `leave`; `ping`, to hear whether somebody leads; `wake`: its page is seen, or the network is back. */
  word: "join" | "leave" | "ping" | "wake";
  wishes?: readonly string[];
}

export type Message = Told | Asked;

/** Members of items that are texts. No object, since the bundler would shorten what is a kind here and a method elsewhere. */
const TEXTS = new Map<unknown, readonly string[]>([
  ["term", ["place", "state", "transport", "opening"]],
  ["event", []],
  ["gap", []],
  ["place", []],
  ["state", ["state"]],
  ["transport", ["transport"]],
  ["open", ["origin"]],
  ["ended", []],
  ["alone", []],
]);

/** What has come, if it is a message. */
export function read(data: any): Message | undefined {
  if (!data || !isText(data.from)) return undefined;
  if (data.word === "join") return isTexts(data.wishes) ? data : undefined;
  if (["leave", "ping", "wake"].includes(data.word)) return data;
  return Number.isSafeInteger(data.term) && Number.isSafeInteger(data.turn) && Array.isArray(data.items) && data.items.every(isItem) ? data : undefined;
}

function isItem(item: any): boolean {
  if (!TEXTS.get(item?.kind)?.every((name) => isText(item[name]))) return false;
  if (item.kind === "term") return !!item.wishes && Object.values(item.wishes).every(isTexts);
  if (item.kind === "alone") return isTexts(item.tabs);
  if (item.kind === "state") return typeof item.retryInMs === "number";
  if (item.kind === "ended") return !item.failure || isText(item.failure.message);
  const { event } = item;
  return !["event", "gap", "place"].includes(item.kind) || (!!event && ["type", "data", "id", "topic", "time", "cursor"].every((name) => isText(event[name])));
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}
