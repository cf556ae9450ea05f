// What a tab has heard, so that it hears nothing twice when another tab tells it again. Two places cannot be compared by their texts, but the log gives
// its events times that never go back. So an event is older than another if its time is, and of those of one millisecond it is
// known which were heard.

/** Places that are remembered: as many as events may have one time, such as those of a batch. */
const PLACES_MAX = 2_000;

export class Heard {
  readonly #places = new Set<string>();
  /** Of the newest event. */
  #time = "";

  /** Whether the tab has heard everything up to this place. */
  has(cursor: string): boolean {
    return this.#places.has(cursor);
  }

  /** Whether an event of this time comes before the newest, or behind it; 0 where its time does not tell. */
  compare(time: string): number {
    return this.#time === "" || time === this.#time ? 0 : time < this.#time ? -1 : 1;
  }

  /** An event, or a place that no event carries. */
  add(cursor: string, time = ""): void {
    if (time > this.#time) this.#time = time;
    this.#places.add(cursor);
    if (this.#places.size > PLACES_MAX) for (const oldest of this.#places) return void this.#places.delete(oldest);
  }

  /** What comes behind a gap may be of another log, whose times begin anew. */
  clear(): void {
    this.#places.clear();
    this.#time = "";
  }
}
