// The card with the lines to copy. It follows what was seen: event types, and whether a key or token is needed.

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

  /** @param {{ to_publish?: boolean, to_watch?: boolean }} needs  What a key or token is needed for. */
  wantToken({ to_publish = false, to_watch = false }) {
    this.#asked.token_to_publish ||= to_publish;
    this.#asked.token_to_watch ||= to_watch;
    this.#show();
  }

  #show() {
    for (const { write, show } of this.#blocks) show(write(this.#asked));
  }
}
