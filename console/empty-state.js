// What stands in the place of the list while there is nothing in it.

import { snippet } from './copy-button.js';
import { drawing, element } from './element.js';
import { curlPublish } from './snippets.js';
import { say, word } from './words.js';

/** What the first event says. */
export const FIRST_DATA = 'good news';

const WAVES = ['M8 30c18-18 36-18 54 0s36 18 54 0', 'M8 52c18-18 36-18 54 0s36 18 54 0', 'M8 74c18-18 36-18 54 0'];

export class EmptyState {
  #place;
  #asked;
  #curl = snippet();
  #quiet;
  #cleared = word(element('p', { class: 'empty-note' }), 'empty.cleared');
  #none = element('div', { class: 'empty-none' });
  #shown = '';

  /**
   * @param {HTMLElement} place
   * @param {{ asked: import('./snippets.js').Asked, home: boolean, tried: () => void, reset: () => void }} options
   */
  constructor(place, { asked, home, tried, reset }) {
    this.#place = place;
    this.#asked = asked;
    this.#curl.show(curlPublish(asked, FIRST_DATA));
    const button = word(element('button', { class: 'primary', type: 'button', onclick: tried }), 'empty.try');
    this.#quiet = [
      wavesOf(),
      word(element('h2'), 'empty.title'),
      word(element('p'), home ? 'empty.home' : 'empty.topic'),
      this.#curl.node,
      element('p', { class: 'empty-or' }, word(element('span'), 'empty.or'), button),
    ];
    const all = word(element('button', { class: 'quiet', type: 'button', onclick: reset }), 'filter.reset');
    this.#none.append(element('p'), all);
  }

  /** Publishing needs a key or token. */
  wantToken() {
    this.#curl.show(curlPublish({ ...this.#asked, token_to_publish: true }, FIRST_DATA));
  }

  /**
   * @param {'' | 'quiet' | 'cleared' | 'none'} what  `none`: there are events, but the filter lets none through.
   * @param {string} [filter]
   */
  show(what, filter = '') {
    if (what === 'none') word(this.#none.firstChild, 'filter.none', { text: filter.slice(0, 60) });
    if (what === this.#shown) return;
    this.#shown = what;
    const contents = { '': [], quiet: this.#quiet, cleared: [this.#cleared], none: [this.#none] }[what];
    this.#place.replaceChildren(...contents);
    this.#place.hidden = what === '';
    // What was not on the page when the language changed has to be told again.
    for (const node of this.#place.querySelectorAll('[data-word]')) if (what !== 'none') node.textContent = say(node.dataset.word);
  }
}

function wavesOf() {
  const paths = WAVES.map((d) => drawing('path', { d }));
  return drawing('svg', { class: 'waves', viewBox: '0 0 124 96', 'aria-hidden': 'true', focusable: 'false' }, ...paths);
}
