// Where a subscription is, across a reload of its page: kept in the storage of the tab.

import { type Memory, memoryOf } from "./page.js";

/** A place is stored this often at most: to store is slow, and events may be many. */
const STORE_MS = 1_000;

export class Place {
  readonly #memory: Memory | undefined;
  #id: string;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Begins at `id`, or where the page was before it was loaded again. Without a key nothing is kept. */
  constructor(key: string, id?: string) {
    this.#memory = key ? memoryOf("sessionStorage", `tidings.place ${key}`) : undefined;
    this.#id = id ?? this.#memory?.get() ?? "";
    globalThis.addEventListener?.("pagehide", this.#keep);
  }

  get id(): string {
    return this.#id;
  }

  set id(id: string) {
    this.#id = id;
    this.#timer ??= setTimeout(this.#keep, STORE_MS);
  }

  /** The subscription is closed. */
  end(): void {
    this.#keep();
    globalThis.removeEventListener?.("pagehide", this.#keep);
  }

  readonly #keep = () => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#memory?.set(this.#id);
  };
}
