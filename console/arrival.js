// When an event came. A stream does not tell when an event was published; what comes live came just now, but what a
// stream catches up with after a break is older by nobody knows how much.

/** The first silence this long ends what is caught up with. */
const SILENCE_MS = 120;
/** A topic may never be silent. */
const CATCHING_UP_MS_MAX = 1_500;

export class Arrival {
  #now;
  #since = -Infinity;
  #last = -Infinity;
  #live = true;

  /** @param {() => number} now In ms since the epoch. */
  constructor(now = Date.now) {
    this.#now = now;
  }

  /** A connection begins that has something to catch up with. Until then, what comes is live. */
  begin() {
    this.#since = this.#last = this.#now();
    this.#live = false;
  }

  /** @returns {Date | null} The time of an event that came now, or null for one that was caught up with. */
  time() {
    const now = this.#now();
    this.#live ||= now - this.#last > SILENCE_MS || now - this.#since > CATCHING_UP_MS_MAX;
    this.#last = now;
    return this.#live ? new Date(now) : null;
  }
}
