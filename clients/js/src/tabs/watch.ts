// Whether somebody leads. A page that is hidden may be late with its timers by a minute, but it answers messages at once: so it is asked.

/** After so long without a word of the leader a tab asks, from once to twice of it, so that one of them asks for all. */
const QUIET_MS = 5_000;
/** A leader that does not answer for so long, twice, does not lead. */
const ANSWER_MS = 2_000;
const ASKS = 2;

export class Watch {
  readonly #ask: () => void;
  readonly #silent: () => void;
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ ask, silent }: { ask: () => void; silent: () => void }) {
    this.#ask = ask;
    this.#silent = silent;
  }

  /** The leader has said something. */
  heard(): void {
    this.#asked = 0;
    this.#wait(QUIET_MS * (1 + Math.random()));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#late(), ms);
  }

  /** A page that has slept hears what was said meanwhile before the next time. */
  #late(): void {
    if (this.#asked >= ASKS) {
      this.#asked = 0;
      return this.#silent();
    }
    this.#asked += 1;
    this.#ask();
    this.#wait(ANSWER_MS);
  }
}
