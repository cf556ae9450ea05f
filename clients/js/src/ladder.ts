// Which transport is used: the best one that gets through. What holds a stream back holds it back for every page of this origin,
// so what was found out is remembered for a while. Loaded when the first transport does not get through.

import type { Transport } from "./carry.js";
import type { Failure } from "./failure.js";
import type { Memory } from "./page.js";

/** What has helped is tried for so long before a better transport is tried again. */
const PROBE_AFTER_MS = 600_000;
/** A connection may die once. Twice in a row, something on the way ends what waits or holds back what comes. */
const CUTS_MAX = 2;
/** What is cut off after so long was cut off because it waited. */
const CUT_AFTER_MS = 3_000;

/** What came of one attempt. */
export interface Tried {
  failure: Failure | undefined;
  /** It was given up because nothing came for too long. */
  isSilent: boolean;
  /** Bytes have come. */
  wasHeard: boolean;
  lastedMs: number;
}

export class Ladder {
  readonly #rungs: readonly Transport[];
  readonly #memory: Memory;
  #at = 0;
  /** When the better ones were tried last, in ms since the epoch. */
  #triedAt = 0;
  /** Attempts in a row that something on the way seems to have ended. */
  #cuts = 0;

  /** `rungs`: from the best to the one that always gets through. `memory`: of what was found out. */
  constructor(rungs: readonly Transport[], memory: Memory) {
    this.#rungs = rungs;
    this.#memory = memory;
    const [transport, at] = memory.get()?.split(" ") ?? [];
    this.#at = Math.max(rungs.indexOf(transport as Transport), 0);
    this.#triedAt = Number(at) || 0;
  }

  /** The transport for the next attempt. */
  next(): Transport {
    const now = Date.now();
    if (this.#at > 0 && !(Math.abs(now - this.#triedAt) < PROBE_AFTER_MS)) {
      this.#at = 0;
      this.#triedAt = now;
    }
    return this.#rungs[this.#at]!;
  }

  get hasNext(): boolean {
    return this.#at < this.#rungs.length - 1;
  }

  /** The transport has brought something. */
  works(): void {
    if (this.#at > 0) this.#memory.set(`${this.#rungs[this.#at]} ${this.#triedAt}`);
    else if (this.hasNext) this.#memory.set();
  }

  /** Whether another transport is to be tried, at once. */
  stepsDown({ failure, isSilent, wasHeard, lastedMs }: Tried): boolean {
    // What waits is cut off by what does not wait for so long: a proxy says so, or it hangs up.
    const isOfGateway = failure && [0, 408, 502, 504].includes(failure.status);
    const isCut = isOfGateway && !wasHeard && lastedMs > CUT_AFTER_MS;
    this.#cuts = isSilent || isCut ? this.#cuts + 1 : 0;
    const isHeldBack = (isSilent && !wasHeard) || this.#cuts >= CUTS_MAX;
    // Not every server has it, and a page of another origin may have to ask first.
    const isUnfit = failure && !wasHeard && this.#rungs[this.#at] === "post";
    if (!isHeldBack && !isUnfit) return false;
    const steps = this.hasNext;
    this.#cuts = 0;
    this.#at = steps ? this.#at + 1 : 0;
    this.#triedAt ||= Date.now();
    return steps;
  }
}
