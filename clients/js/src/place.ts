// Where a subscription is, across a reload of its page: kept in the storage of the tab.

import { type Memory, memoryOf } from "./page.js";

export class Place {
  readonly #memory: Memory | undefined;
  #id: string;
  #isNew = false;

  /** Begins at `id`, or where the page was before it was loaded again. Without a key nothing is kept. */
  constructor(key: string, id?: string) {
    this.#memory = key ? memoryOf("sessionStorage", `tidings.place ${key}`) : undefined;
    this.#id = id ?? this.#memory?.get() ?? "";
  }

  get id(): string {
    return this.#id;
  }

  /** Stored once for all events that have come together: to store is slow, and events may be many. */
  set id(id: string) {
    this.#id = id;
    if (!this.#isNew) void Promise.resolve().then(() => this.#keep());
    this.#isNew = true;
  }

  #keep(): void {
    this.#isNew = false;
    this.#memory?.set(this.#id);
  }
}
