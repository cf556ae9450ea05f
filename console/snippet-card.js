// The card with the lines to copy. It follows what was seen: event types, and whether a key is wanted.

import { snippet } from './copy-button.js';
import { curlPublish, curlWatch, javaScript } from './snippets.js';

export class SnippetCard {
  #asked;
  #blocks = [
    { write: curlPublish, ...snippet('code.publish') },
    { write: curlWatch, ...snippet('code.watch') },
    { write: javaScript, ...snippet('code.page') },
  ];

  /**
   * @param {HTMLElement} place
   * @param {import('./snippets.js').Asked} asked
   */
  constructor(place, asked) {
    this.#asked = asked;
    place.append(...this.#blocks.map(({ node }) => node));
    this.#show();
  }

  /** @param {string} type */
  sawType(type) {
    const { types } = this.#asked;
    if (type === 'message' || types.includes(type) || types.length > 20) return;
    types.push(type);
    this.#show();
  }

  wantKey() {
    this.#asked.with_key = true;
    this.#show();
  }

  #show() {
    for (const { write, show } of this.#blocks) show(write(this.#asked));
  }
}
