// The form that publishes.

import { element } from './element.js';
import { keyField } from './key-field.js';
import { publish } from './publisher.js';
import { isPattern } from './topic.js';
import { onLanguage, say, word, wordFor } from './words.js';

export class PublishForm {
  #form;
  #topic;
  #asked;
  #data = element('textarea', { id: 'publish-data', class: 'input', rows: '3', spellcheck: 'false' });
  #event = smallInput('event');
  #id = smallInput('id');
  #retry = smallInput('retry', { inputmode: 'numeric' });
  #suggestions = element('datalist', { id: 'publish-topics' });
  #key = element('div', { hidden: true });
  #send = element('button', { class: 'primary', type: 'submit' });
  #outcome = element('p', { class: 'outcome', role: 'status' });
  #retell = () => {};

  /**
   * @param {HTMLFormElement} form
   * @param {{ topic: string, suggested: string, wanted: () => void }} options  `topic` is empty where the form has to
   *   ask for it; `wanted` is called when the hub turns out to want a key.
   */
  constructor(form, { topic, suggested, wanted }) {
    this.#form = form;
    this.#topic = topic;
    this.#asked = topic === '' ? topicInput(suggested) : null;
    this.wanted = wanted;
    this.#build();
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#publish();
    });
    this.#data.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
    onLanguage(() => this.#retell());
  }

  /** Topics to choose from, where the form asks for one. */
  set topics(names) {
    this.#suggestions.replaceChildren(...names.map((value) => element('option', { value })));
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
    this.#form.append(field('data', data), more, this.#key, send);
  }

  async #publish() {
    const topic = this.#topic || this.#asked.value.trim();
    const mistake = topic === '' ? 'publish.no-topic' : isPattern(topic) ? 'publish.pattern' : '';
    if (mistake !== '') {
      this.#asked.focus();
      return this.#tell('bad', () => say(mistake));
    }
    this.#send.disabled = true;
    const answer = await publish({
      topic,
      data: this.#data.value,
      event: this.#event.value,
      id: this.#id.value,
      retry: this.#retry.value.trim(),
    });
    this.#send.disabled = false;
    if (answer.problem) return this.#refused(answer.problem);
    this.#tell('good', () => say('publish.sent', { id: answer.id }));
    this.#id.value = '';
  }

  #refused(problem) {
    if (problem.status === 401) this.#wantKey();
    this.#tell('bad', () => {
      if (problem.status === 0) return say('publish.unreachable');
      return problem.detail || say('publish.refused', { status: `${problem.status} ${problem.title}` });
    });
  }

  #wantKey() {
    if (this.#key.hidden) this.#key.replaceChildren(keyField());
    this.#key.hidden = false;
    this.#key.querySelector('input').focus();
    this.wanted();
  }

  #tell(kind, text) {
    this.#outcome.dataset.kind = kind;
    this.#retell = () => (this.#outcome.textContent = text());
    this.#retell();
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
