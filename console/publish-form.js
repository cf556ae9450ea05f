// The form that publishes.

import { element } from './element.js';
import { sayProblem } from './problem-words.js';
import { isReachable, publish } from './publisher.js';
import { sharesConnections } from './room.js';
import { isPattern } from './topic.js';
import { onLanguage, say, word, wordFor } from './words.js';

/** An answer that takes longer than this is waited for aloud. */
const SLOW_MS = 2_500;
/** How long to wait before the hub that could not be reached is looked for; longer each time. */
const LOOK_MS = 1_000;
const LOOK_MS_MAX = 10_000;

export class PublishForm {
  #form;
  #topic;
  #asked;
  #data = element('textarea', { id: 'publish-data', class: 'input', rows: '3', spellcheck: 'false' });
  #event = smallInput('event');
  #id = smallInput('id');
  #retry = smallInput('retry', { inputmode: 'numeric' });
  #suggestions = element('datalist', { id: 'publish-topics' });
  #send = element('button', { class: 'primary', type: 'submit' });
  #outcome = element('p', { class: 'outcome', role: 'status' });
  #words = () => '';
  #unreachable = null;
  /** Whether the last event was refused for want of a key or token. */
  #locked = false;
  #told;
  #publisher;
  #hears;

  /**
   * @param {HTMLFormElement} form
   * @param {{ topic: string, suggested: string, refused: (problem: import('./problem.js').Problem) => void, send?: typeof publish, hears?: () => boolean }} options
   *   `topic` is empty where the form has to ask for it; `refused` is called when the hub says no, with the problem; `send` publishes;
   *   `hears` says whether the page hears the hub.
   */
  constructor(form, { topic, suggested, refused, send = publish, hears = () => true }) {
    this.#form = form;
    this.#topic = topic;
    this.#asked = topic === '' ? topicInput(suggested) : null;
    this.#told = refused;
    this.#publisher = send;
    this.#hears = hears;
    this.#build();
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#publish();
    });
    this.#data.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
    onLanguage(() => (this.#outcome.textContent = this.#words()));
  }

  /** The hub was heard of. */
  reached() {
    if (this.#words === this.#unreachable) this.#tell('good', () => say('publish.again'));
  }

  /** There is a key or token now: what was refused without one goes out. */
  unlock() {
    if (this.#locked) this.#publish();
  }

  /** Topics to choose from, where the form asks for one. */
  set topics(names) {
    this.#suggestions.replaceChildren(...names.map((value) => element('option', { value, label: value })));
  }

  /**
   * Publishes something at once, as if it had been typed.
   *
   * @param {string} topic
   * @param {string} data
   */
  async try(topic, data) {
    if (this.#asked) this.#asked.value = topic;
    this.#data.value = data;
    await this.#publish();
  }

  #build() {
    const data = wordFor(this.#data, 'placeholder', 'publish.data.placeholder');
    const more = element('details', { class: 'more' }, word(element('summary'), 'publish.more'));
    more.append(
      element('div', { class: 'trio' }, field('event', this.#event), field('id', this.#id), field('retry', this.#retry)),
    );
    const keys = element('kbd', {}, /Mac|iPhone|iPad/.test(navigator.platform) ? '\u2318 \u21b5' : 'Ctrl \u21b5');
    const send = element('div', { class: 'send' }, word(this.#send, 'publish.send'), this.#outcome, keys);
    if (this.#asked) this.#form.append(field('topic', this.#asked), this.#suggestions);
    this.#form.append(field('data', data), more, send);
  }

  async #publish() {
    const topic = this.#topic || this.#asked.value.trim();
    const mistake = topic === '' ? 'publish.no-topic' : isPattern(topic) ? 'publish.pattern' : '';
    if (mistake !== '') {
      this.#asked.focus();
      return this.#tell('bad', () => say(mistake));
    }
    this.#send.disabled = true;
    this.#locked = false;
    const slow = setTimeout(() => this.#tell('wait', this.#slowly()), SLOW_MS);
    const answer = await this.#publisher({
      topic,
      data: this.#data.value,
      event: this.#event.value,
      id: this.#id.value,
      retry: this.#retry.value.trim(),
    });
    clearTimeout(slow);
    this.#send.disabled = false;
    if (answer.problem) return this.#refused(answer.problem);
    this.#tell('good', () => say('publish.sent', { id: answer.id }));
    this.#id.value = '';
  }

  /** A page that hears the hub and has no answer may have no connection left to ask over. */
  #slowly() {
    const key = this.#hears() && sharesConnections() ? 'publish.slow.shared' : 'publish.slow';
    return () => say(key);
  }

  #refused(problem) {
    this.#told(problem);
    this.#locked = problem.status === 401;
    const words = () => sayProblem(problem);
    this.#tell('bad', words);
    if (problem.status !== 0) return;
    this.#unreachable = words;
    this.#lookOut(words);
  }

  /** Takes back that the hub cannot be reached, as soon as it can. */
  async #lookOut(words) {
    for (let ms = LOOK_MS; this.#words === words; ms = Math.min(2 * ms, LOOK_MS_MAX)) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      if (this.#words === words && (await isReachable())) this.reached();
    }
  }

  #tell(kind, words) {
    this.#outcome.dataset.kind = kind;
    this.#words = words;
    this.#outcome.textContent = words();
  }
}

function topicInput(suggested) {
  const input = element('input', {
    id: 'publish-topic',
    class: 'input',
    type: 'text',
    list: 'publish-topics',
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
  });
  input.value = suggested;
  return input;
}

function smallInput(name, more = {}) {
  const input = element('input', { id: `publish-${name}`, class: 'input', type: 'text', autocomplete: 'off', ...more });
  return wordFor(input, 'placeholder', `publish.${name}.placeholder`);
}

function field(name, input) {
  const label = word(element('label', { for: input.id }), `publish.${name}`);
  return element('div', { class: `field field-${name}` }, label, input);
}
