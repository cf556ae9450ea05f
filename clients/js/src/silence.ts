/** Notices a connection that says nothing though it looks open. One timer for its whole life, however much is heard. */
export class Silence {
  readonly #silent: () => void;
  #limitMs: number;
  #heardAt = Date.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `silent` is called once, when nothing was heard for `limitMs`. */
  constructor(limitMs: number, silent: () => void) {
    this.#silent = silent;
    this.#limitMs = limitMs;
    this.check();
  }

  /** Something was heard. From now on it may be silent for `limitMs`. */
  heard(limitMs: number): void {
    this.#heardAt = Date.now();
    if (!this.#timer || limitMs !== this.#limitMs) this.check(limitMs);
  }

  /** Looks now, because timers sleep while a page does. Until something is heard, `limitMs` holds. */
  check(limitMs: number = this.#limitMs): void {
    this.#limitMs = limitMs;
    this.stop();
    const leftMs = this.#heardAt + limitMs - Date.now();
    if (leftMs <= 0) this.#silent();
    else if (leftMs < Infinity) this.#timer = setTimeout(() => this.check(), leftMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
