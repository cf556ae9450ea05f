// What tabs that show the same inbox say to each other. Each change of these messages needs another `VERSION`: tabs may run different versions of this
// script. Any page of this origin can say anything here: what is no message is nothing.

import type { Problem } from "../failure.js";
import type { State } from "../source.js";
import { type Block, type Count, TYPES } from "./said.js";

/** Stands in the names of channels and locks. */
export const VERSION = "1";

/** One message of a leader. */
export interface Spoken {
  readonly from: string;
  readonly term: number;
  readonly turn: number;
}

export type Word =
  /**
   * The leader tells everything behind `place`; empty, if it does not yet. `isNew`: it begins there. `after`: what it had heard last of the leader before
   * it, if it goes on where that one was.
   */
  | { kind: "here"; place: string; state: State; isNew: boolean; after: Spoken | undefined }
  | { kind: "record"; blocks: readonly Block[]; count: Count | undefined; place: string }
  | { kind: "begins"; count: Count }
  | { kind: "counts"; count: Count }
  | { kind: "state"; state: State; retryInMs: number; isHidden: boolean }
  | { kind: "failed"; failure: SaidFailure | undefined; retryInMs: number };

/** A `Failure`, as it travels. */
export interface SaidFailure {
  message: string;
  status: number;
  problem: Problem | undefined;
  retryAfterMs: number;
}

/** Of two that lead, the one with the higher `term` has taken over. `turn` counts its messages. */
export interface Told extends Spoken {
  readonly word: Word;
}

export interface Asked {
  readonly from: string;
  /** `ping`: whether somebody leads, and from where; `wake`: its page is seen, or the network is back. */
  readonly ask: "ping" | "wake";
}

export type Message = Told | Asked;

/** What has come, if it is a message. */
export function read(data: any): Message | undefined {
  if (typeof data?.from !== "string") return undefined;
  if (data.ask === "ping" || data.ask === "wake") return data;
  return Number.isSafeInteger(data.term) && Number.isSafeInteger(data.turn) && isWord(data.word) ? data : undefined;
}

function isWord(word: any): boolean {
  switch (word?.kind) {
    case "here":
      return typeof word.place === "string" && typeof word.state === "string";
    case "record":
      return typeof word.place === "string" && Array.isArray(word.blocks) && word.blocks.every(isBlock) && (word.count === undefined || isCount(word.count));
    case "begins":
    case "counts":
      return isCount(word.count);
    case "state":
      return typeof word.state === "string" && typeof word.retryInMs === "number";
    case "failed":
      return word.failure === undefined || typeof word.failure?.message === "string";
    default:
      return false;
  }
}

function isBlock(block: any): boolean {
  return TYPES.includes(block?.type) && typeof block.data === "string";
}

function isCount(count: any): boolean {
  return Number.isSafeInteger(count?.count) && Number.isSafeInteger(count.version);
}
