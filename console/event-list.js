// The list of events, newest first. It keeps the newest alone, and draws at most once a frame.
//
// Nothing moves under somebody who reads: while the list is paused, or scrolled away from its top, what arrives is held
// and counted.

import { rowOf } from './event-row.js';

/** Events kept. */
const KEPT_MAX = 500;
/** Characters of data kept, over all events. */
const KEPT_LENGTH_MAX = 33_554_432;
/** Rows that may arrive in one frame for each to be seen arriving; beyond that it would only flicker. */
const ARRIVING_MAX = 3;

/** @typedef {import('./event-row.js').Entry} Entry */

export class EventList {
  #list;
  #changed;
  #kept = [];
  #kept_length = 0;
  #rows = new Map();
  #waiting = [];
  #held = 0;
  #frame = 0;
  #paused = false;
  #scrolled = false;
  #matches = () => true;

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} top   Visible while the list is at its top.
   * @param {(state: { kept: number, shown: number, held: number }) => void} changed
   */
  constructor(list, top, changed) {
    this.#list = list;
    this.#changed = changed;
    new IntersectionObserver(([entry]) => {
      this.#scrolled = !entry.isIntersecting;
      this.#request();
    }).observe(top);
  }

  static get kept_max() {
    return KEPT_MAX;
  }

  /** @param {Entry} entry */
  add(entry) {
    this.#waiting.push(entry);
    this.#held += 1;
    // Twice as many, so that the list is cut once in a while and not for each event.
    if (this.#waiting.length > 2 * KEPT_MAX) this.#waiting = this.#waiting.slice(-KEPT_MAX);
    this.#request();
  }

  set paused(paused) {
    this.#paused = paused;
    this.#request();
  }

  get paused() {
    return this.#paused;
  }

  /** @param {(entry: Entry) => boolean} matches */
  set filter(matches) {
    this.#matches = matches;
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#draw(this.#kept);
    this.#tell();
  }

  clear() {
    this.#kept = [];
    this.#kept_length = 0;
    this.#waiting = [];
    this.#held = 0;
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#tell();
  }

  /** Shows what is held, once. */
  release() {
    const entries = this.#waiting.splice(0).slice(-KEPT_MAX);
    this.#held = 0;
    this.#kept.push(...entries);
    for (const entry of entries) this.#kept_length += entry.data.length;
    this.#trim();
    this.#draw(entries.slice(-this.#kept.length));
    this.#tell();
  }

  #request() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.#paused || this.#scrolled) this.#tell();
      else if (this.#waiting.length > 0) this.release();
      else this.#tell();
    });
  }

  #trim() {
    let count = Math.max(this.#kept.length - KEPT_MAX, 0);
    let length = this.#kept_length;
    this.#kept.slice(0, count).forEach((entry) => (length -= entry.data.length));
    while (length > KEPT_LENGTH_MAX && count < this.#kept.length - 1) {
      length -= this.#kept[count].data.length;
      count += 1;
    }
    this.#kept_length = length;
    for (const entry of this.#kept.splice(0, count)) {
      this.#rows.get(entry)?.remove();
      this.#rows.delete(entry);
    }
  }

  #draw(entries) {
    const rows = entries.filter(this.#matches).map((entry) => {
      const row = rowOf(entry);
      this.#rows.set(entry, row);
      return row;
    });
    if (rows.length <= ARRIVING_MAX) rows.forEach((row) => row.classList.add('is-new'));
    this.#list.prepend(...rows.reverse());
  }

  #tell() {
    this.#changed({ kept: this.#kept.length, shown: this.#rows.size, held: this.#held });
  }
}
