// The list of events, newest first. It keeps the newest alone, and draws at most once a frame.
//
// Nothing moves under somebody who reads: while the list is paused, scrolled away from its top, or has an opened row, what
// arrives is held and counted.

import { rowOf } from './event-row.js';

/** Events kept. */
const KEPT_MAX = 500;
/** Characters of data kept, over all events. */
const KEPT_LENGTH_MAX = 33_554_432;
/** Rows that may arrive in one frame for each to be seen arriving; beyond that it would only flicker. */
const ARRIVING_MAX = 3;

/** @typedef {import('./entry.js').Entry} Entry */

export class EventList {
  #list;
  #changed;
  #kept = [];
  #rows = new Map();
  #waiting = [];
  #waiting_length = 0;
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
    // A row that was closed may have held the list.
    list.addEventListener('click', () => this.#request());
  }

  static get kept_max() {
    return KEPT_MAX;
  }

  /** @param {Entry} entry */
  add(entry) {
    this.#waiting.push(entry);
    this.#waiting_length += entry.data.length;
    this.#held += 1;
    // Twice as many, so that the list is cut once in a while and not for each event.
    if (this.#waiting.length > 2 * KEPT_MAX || this.#waiting_length > 2 * KEPT_LENGTH_MAX) {
      this.#waiting = newestOf(this.#waiting);
      this.#waiting_length = lengthOf(this.#waiting);
    }
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
    this.#waiting = [];
    this.#waiting_length = 0;
    this.#held = 0;
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#tell();
  }

  /** Shows what is held, once. */
  release() {
    const entries = newestOf(this.#waiting);
    this.#waiting = [];
    this.#waiting_length = 0;
    this.#held = 0;
    this.#keep(newestOf([...this.#kept, ...entries]));
    this.#draw(entries);
    this.#tell();
  }

  #request() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      const reading = (this.#scrolled && this.#kept.length > 0) || this.#list.querySelector('.event.is-open') !== null;
      if (this.#waiting.length > 0 && !this.#paused && !reading) this.release();
      else this.#tell();
    });
  }

  #keep(entries) {
    const first = this.#kept.indexOf(entries[0]);
    for (const entry of first === -1 ? this.#kept : this.#kept.slice(0, first)) {
      this.#rows.get(entry)?.remove();
      this.#rows.delete(entry);
    }
    this.#kept = entries;
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

/** As many of the newest entries as are kept. */
function newestOf(entries) {
  let start = entries.length;
  for (let length = 0; start > 0 && entries.length - start < KEPT_MAX; start -= 1) {
    length += entries[start - 1].data.length;
    if (length > KEPT_LENGTH_MAX && start < entries.length) break;
  }
  return entries.slice(start);
}

function lengthOf(entries) {
  return entries.reduce((sum, { data }) => sum + data.length, 0);
}
