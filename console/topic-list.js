// The topics that were seen: how many events each had, and how long ago the newest was. Newest first.
//
// The order changes at most every two seconds, and never under a pointer or the focus.

import { hubNow } from './clock.js';
import { element } from './element.js';
import { urlOf } from './hub.js';
import { agoOf, countOf } from './time.js';
import { word } from './words.js';

/** Topics that are counted; whoever was silent longest is forgotten. */
const COUNTED_MAX = 2_000;
/** Topics that are shown. */
const SHOWN_MAX = 100;
const DRAW_MS = 250;
const ORDER_MS = 2_000;

export class TopicList {
  #list;
  #note;
  /** In order of activity: the newest last. */
  #topics = new Map();
  #rows = new Map();
  #order = [];
  #drawn_at = 0;
  #stale = false;

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} note
   */
  constructor(list, note) {
    this.#list = list;
    this.#note = note;
    setInterval(() => this.#draw(), DRAW_MS);
  }

  /**
   * @param {string} topic
   * @param {Date | null} time
   */
  add(topic, time) {
    const seen = this.#topics.get(topic) ?? { count: 0, time: null };
    this.#topics.delete(topic);
    this.#topics.set(topic, { count: seen.count + 1, time: time ?? seen.time });
    if (this.#topics.size > COUNTED_MAX) this.#topics.delete(this.#topics.keys().next().value);
    this.#stale = true;
  }

  /** The newest topics, newest first. */
  get names() {
    return [...this.#topics.keys()].reverse().slice(0, SHOWN_MAX);
  }

  #draw() {
    if (document.hidden) return;
    const now = Date.now();
    if (this.#stale && (this.#order.length === 0 || (now - this.#drawn_at >= ORDER_MS && !this.#watched()))) {
      this.#drawn_at = now;
      this.#stale = false;
      this.#arrange();
    }
    for (const topic of this.#order) this.#show(topic);
  }

  #watched() {
    return this.#list.matches(':hover') || this.#list.contains(document.activeElement);
  }

  #arrange() {
    this.#order = this.names;
    const rows = new Map(this.#order.map((topic) => [topic, this.#rows.get(topic) ?? rowOf(topic)]));
    this.#rows = rows;
    const nodes = [...rows.values()].map((row) => row.node);
    if (nodes.some((node, index) => this.#list.children[index] !== node)) this.#list.replaceChildren(...nodes);
    while (this.#list.children.length > nodes.length) this.#list.lastChild.remove();
    const more = this.#topics.size - this.#order.length;
    this.#note.hidden = this.#order.length > 0 && more === 0;
    if (more > 0) word(this.#note, 'topics.more', { count: countOf(more) });
  }

  #show(topic) {
    const seen = this.#topics.get(topic);
    const row = this.#rows.get(topic);
    if (!seen || !row) return;
    set(row.count, countOf(seen.count));
    set(row.ago, seen.time ? agoOf(hubNow() - seen.time.getTime()) : '');
  }
}

function rowOf(topic) {
  const count = element('span', { class: 'topic-count' });
  const ago = element('span', { class: 'topic-ago' });
  const name = element('span', { class: 'topic-name' }, topic);
  const link = element('a', { href: urlOf([topic]), title: topic }, name, ago, count);
  return { node: element('li', {}, link), count, ago };
}

function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
