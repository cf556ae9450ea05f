// Which transport is used: the best one that gets through. What holds a stream back holds it back for every page of this origin,
// so what was found out is remembered for a while.

import type { Transport } from "./carry.js";
import { Silent, type Failure } from "./failure.js";
import { store, stored } from "./page.js";

/** What has helped is tried for so long before a better transport is tried again. */
const PROBE_AFTER_MS = 600_000;
/** Heartbeats may stop once because a connection has died. Twice in a row, something holds them back. */
const SILENCES_MAX = 2;
/** A poll that is cut off after so long was cut off because it waited. */
const CUT_AFTER_MS = 3_000;

/** What came of one attempt. */
export interface Tried {
  failure: Failure | undefined;
  /** Bytes have come. */
  wasHeard: boolean;
  lastedMs: number;
}

export class Ladder {
  readonly #rungs: readonly Transport[];
  readonly #key: string;
  #at = 0;
  /** When the better ones were tried last, in ms since the epoch. */
  #triedAt = 0;
  /** Attempts in a row that something on the way seems to have ended. */
  #cuts = 0;

  /** `rungs`: from the best to the one that always gets through. `origin`: that of the hub. */
  constructor(rungs: readonly Transport[], origin: string) {
    this.#rungs = rungs;
    this.#key = `tidings.transport ${origin}`;
    const [transport, at] = stored("localStorage", this.#key)?.split(" ") ?? [];
    this.#at = Math.max(rungs.indexOf(transport as Transport), 0);
    this.#triedAt = Number(at) || 0;
  }

  /** The transport for the next attempt. */
  next(): Transport {
    const now = Date.now();
    if (this.#at > 0 && !(now - this.#triedAt < PROBE_AFTER_MS)) {
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
    if (this.#rungs.length < 2) return;
    if (this.#at > 0 && this.#triedAt === 0) this.#triedAt = Date.now();
    store("localStorage", this.#key, this.#at > 0 ? `${this.#rungs[this.#at]} ${this.#triedAt}` : undefined);
  }

  /** Whether another transport is to be tried, at once. */
  stepsDown(tried: Tried): boolean {
    this.#cuts = this.#isCut(tried) ? this.#cuts + 1 : 0;
    if (!this.#isHopeless(tried)) return false;
    this.#cuts = 0;
    if (!this.hasNext) this.#at = 0;
    else {
      this.#at += 1;
      this.#triedAt ||= Date.now();
      return true;
    }
    return false;
  }

  #isHopeless({ failure, wasHeard }: Tried): boolean {
    if (!failure || this.#rungs.length < 2) return false;
    if (this.#cuts >= SILENCES_MAX || (!wasHeard && failure instanceof Silent)) return true;
    // The best one meets every failure first. That another one is refused, or does not begin, may be its own fault.
    return this.#at > 0 && this.hasNext && !wasHeard && this.#rungs[this.#at] !== "long-poll" && ![401, 403, 429, 503].includes(failure.status);
  }

  #isCut({ failure, wasHeard, lastedMs }: Tried): boolean {
    if (failure instanceof Silent) return true;
    const isOfGateway = failure !== undefined && [0, 408, 502, 504].includes(failure.status);
    return isOfGateway && !wasHeard && lastedMs > CUT_AFTER_MS;
  }
}
