// Sends marks: several at once, and marks whose order matters one after the other.

import { conflicts, type Mark } from "./marks.js";

/** Requests at once: a browser opens six connections to a hub, for all its tabs together. */
const AT_ONCE_MAX = 3;

export class Outbox {
  readonly #send: (mark: Mark) => Promise<unknown>;
  /** In the order of the page. */
  #waiting: { mark: Mark; begin(): void; isSent: boolean }[] = [];

  constructor(send: (mark: Mark) => Promise<unknown>) {
    this.#send = send;
  }

  /** Settles as the sending does. */
  async add(mark: Mark): Promise<void> {
    await new Promise<void>((begin) => {
      this.#waiting.push({ mark, begin, isSent: false });
      this.#next();
    });
    try {
      await this.#send(mark);
    } finally {
      this.#waiting = this.#waiting.filter((other) => other.mark !== mark);
      this.#next();
    }
  }

  #next(): void {
    this.#waiting.forEach((entry, at) => {
      const isFull = this.#waiting.filter(({ isSent }) => isSent).length >= AT_ONCE_MAX;
      if (entry.isSent || isFull || this.#waiting.slice(0, at).some(({ mark }) => conflicts(mark, entry.mark))) return;
      entry.isSent = true;
      entry.begin();
    });
  }
}
