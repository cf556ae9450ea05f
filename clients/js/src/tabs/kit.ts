// What a tab needs of the core, of its page and of the browser.

import type { Transport } from "../carry.js";
import type { Core } from "../core.js";
import type { Asked } from "../requests.js";
import type { Plan, SourceListener } from "../source.js";
import type { Feed } from "../subscription.js";

export interface Kit {
  readonly core: Core;
  planOf(asked: Asked, transports: readonly Transport[]): Plan;
  readonly asked: Asked;
  readonly transports: readonly Transport[];
  readonly listener: SourceListener;
  /** Where to go on; empty at the beginning. */
  readonly id: string;
  /** A connection of this tab's own, from a place on. */
  alone(id: string): Feed;
  readonly world: World;
}

/** What a browser has for tabs that want to share. */
export interface World {
  readonly locks: Pick<LockManager, "request">;
  channelOf(name: string): Pick<BroadcastChannel, "postMessage" | "close" | "onmessage">;
  isHidden(): boolean;
  /** A name that no other tab has. */
  nameOf(): string;
  /** Says when the browser is about to let the page do nothing. */
  watchFreeze(freeze: () => void, signal: AbortSignal): void;
}

export const browser: World = {
  get locks() {
    return navigator.locks;
  },
  channelOf: (name) => new BroadcastChannel(name),
  isHidden: () => document.hidden,
  nameOf: () => [...crypto.getRandomValues(new Uint32Array(4))].map((number) => number.toString(36)).join(""),
  watchFreeze: (freeze, signal) => document.addEventListener("freeze", freeze, { signal }),
};
