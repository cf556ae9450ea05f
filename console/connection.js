// How the stream is doing: a word and a dot, a banner when something is wrong, and the cursor.

import { element } from './element.js';
import { icon } from './icon.js';
import { isAboutAccess } from './problem.js';
import { sayProblem } from './problem-words.js';
import { sharesConnections } from './room.js';
import { isPattern } from './topic.js';
import { visible } from './visible.js';
import { onLanguage, say, word } from './words.js';

/** A break shorter than this is not worth a banner. */
const PATIENCE_MS = 600;
/** An answer that takes longer than this is. */
const SLOW_MS = 4_000;

export class Connection {
  #nodes;
  #retry;
  #ask;
  #uncovered = [];
  #state = { phase: 'connecting' };
  #timer = 0;
  #ticks = 0;
  #paused = false;
  #slow = false;

  /**
   * @param {{ phase: HTMLElement, word: HTMLElement, banner: HTMLElement, cursor: HTMLElement }} nodes
   * @param {{ retry: () => void, ask: () => void }} options  `ask` is called to ask for a key or token.
   */
  constructor(nodes, { retry, ask }) {
    this.#nodes = nodes;
    this.#retry = retry;
    this.#ask = ask;
    onLanguage(() => this.#show());
  }

  /** @param {import('./stream.js').State} state */
  set state(state) {
    // The word for a new attempt after a failure is still "reconnecting", and the banner stays until it succeeds.
    const again = state.phase === 'connecting' && this.#state.phase === 'waiting';
    this.#state = again ? { ...this.#state, until: 0 } : state;
    clearTimeout(this.#timer);
    clearInterval(this.#ticks);
    this.#slow = false;
    if (this.#state.phase === 'connecting') this.#timer = setTimeout(() => this.#show((this.#slow = true)), SLOW_MS);
    const is_short = this.#state.phase === 'waiting' && this.#state.expired === undefined;
    if (!is_short || !this.#nodes.banner.hidden) return this.#show();
    this.#showPhase();
    this.#timer = setTimeout(() => this.#show(), PATIENCE_MS);
  }

  /** @param {string[]} selectors  Those of the page that access does not cover, so that the stream has a part of them or nothing. */
  set uncovered(selectors) {
    this.#uncovered = selectors;
    this.#show();
  }

  /** @param {boolean} paused  Whether the list shows nothing new, though the stream may go on. */
  set paused(paused) {
    this.#paused = paused;
    this.#showPhase();
  }

  /** @param {string} id */
  set cursor(id) {
    const shown = visible(id) || '\u2013';
    if (this.#nodes.cursor.textContent !== shown) this.#nodes.cursor.textContent = shown;
  }

  #show() {
    this.#showPhase();
    const { phase, problem } = this.#state;
    const parts = {
      connecting: () => (this.#slow ? this.#slowly() : []),
      live: () => (this.#uncovered.length > 0 ? this.#partly() : []),
      waiting: () => this.#waiting(),
      ended: () => this.#ended(),
      refused: () => this.#refused(problem),
    };
    const contents = parts[phase]?.() ?? [];
    this.#nodes.banner.replaceChildren(...contents);
    this.#nodes.banner.hidden = contents.length === 0;
    this.#nodes.banner.dataset.phase = phase;
  }

  #showPhase() {
    const phase = this.#paused && this.#state.phase === 'live' ? 'paused' : this.#state.phase;
    this.#nodes.phase.dataset.phase = phase;
    word(this.#nodes.word, `phase.${phase}`);
  }

  #slowly() {
    return [icon('alert'), word(element('p'), sharesConnections() ? 'banner.slow.shared' : 'banner.slow')];
  }

  #partly() {
    const key = this.#uncovered.some(isPattern) ? 'banner.part' : 'banner.uncovered';
    return [icon('alert'), word(element('p'), key, { selectors: this.#named() }), this.#key()];
  }

  #waiting() {
    const text = element('p');
    const count = () => {
      const seconds = Math.ceil((this.#state.until - Date.now()) / 1_000);
      const next = this.#waitingWords(seconds);
      if (text.textContent !== next) text.textContent = next;
    };
    count();
    clearInterval(this.#ticks);
    this.#ticks = setInterval(count, 250);
    // The seconds are for the eye; read aloud they would never end.
    text.setAttribute('aria-live', 'off');
    return [icon('alert'), text, ...(this.#state.expired === undefined ? [] : [this.#key()]), this.#again()];
  }

  #waitingWords(seconds) {
    const next = seconds > 0 ? say('banner.next', { seconds }) : say('banner.next.now');
    const { expired: reason } = this.#state;
    const what = reason === undefined ? this.#broken() : reason === '' ? say('banner.expired') : say('banner.expired.reason', { reason });
    return what + next;
  }

  #broken() {
    const { problem } = this.#state;
    if (problem?.status === 200) return say('banner.strange', { detail: problem.title || '?' });
    return say(navigator.onLine === false ? 'banner.offline' : 'banner.waiting');
  }

  #ended() {
    return [icon('alert'), word(element('p'), 'banner.ended')];
  }

  #refused(problem) {
    // The part was asked for as well.
    const nothing = problem.status === 403 && this.#uncovered.length > 0;
    const text = nothing
      ? word(element('p'), 'banner.nothing', { selectors: this.#named() })
      : word(element('p'), 'banner.refused', { detail: sayProblem(problem) });
    return [icon('alert'), text, isAboutAccess(problem) ? this.#key() : this.#again()];
  }

  #named() {
    return visible(this.#uncovered.join(', '));
  }

  #key() {
    return word(element('button', { class: 'quiet', type: 'button', onclick: () => this.#ask() }), 'banner.key');
  }

  #again() {
    const button = element('button', { class: 'quiet', type: 'button', onclick: () => this.#retry() });
    return word(button, 'banner.now');
  }
}
