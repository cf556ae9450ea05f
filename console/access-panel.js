// The one place of the page that asks for a key or token, says whether there is one, and forgets it.

import { forgetCredential, hasCredential, onCredential, useCredential } from './credential.js';
import { element } from './element.js';
import { icon } from './icon.js';
import { word, wordFor } from './words.js';

export class AccessPanel {
  #panel;
  #button;
  #input = element('input', {
    id: 'access-input',
    class: 'input',
    type: 'password',
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    'aria-describedby': 'access-note',
  });
  #note = element('p', { id: 'access-note', class: 'note', role: 'status' });
  #forget = element('button', { id: 'access-forget', class: 'quiet', type: 'button' });
  #entered;

  /**
   * @param {HTMLElement} panel
   * @param {HTMLButtonElement} button  Opens and closes the panel.
   * @param {{ entered: () => void, forgotten: () => void }} options  Called when there is a new key or token, or none any more.
   */
  constructor(panel, button, { entered, forgotten }) {
    this.#panel = panel;
    this.#button = button;
    this.#entered = entered;
    this.#build();
    button.append(icon('key'));
    button.addEventListener('click', () => (panel.hidden ? this.ask() : this.close()));
    this.#forget.addEventListener('click', () => {
      forgetCredential();
      forgotten();
    });
    panel.addEventListener('keydown', (event) => event.key === 'Escape' && this.#leave());
    onCredential(() => this.#show());
    this.#show();
  }

  /** Shows the panel. The focus stays where it is: somebody may be typing. */
  open() {
    this.#panel.hidden = false;
    this.#button.setAttribute('aria-expanded', 'true');
  }

  /** Shows the panel, and goes there. */
  ask() {
    this.open();
    this.#input.focus();
  }

  close() {
    this.#panel.hidden = true;
    this.#button.setAttribute('aria-expanded', 'false');
    this.#input.value = '';
    this.#show();
  }

  #build() {
    const form = element('form', { class: 'access-form', novalidate: true });
    const label = word(element('label', { for: this.#input.id }), 'access.label');
    const use = word(element('button', { class: 'primary', type: 'submit' }), 'access.use');
    form.append(label, this.#input, use, word(this.#forget, 'access.forget'), this.#note);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#use();
    });
    this.#panel.append(form);
  }

  #use() {
    if (!useCredential(this.#input.value)) {
      word(this.#note, this.#input.value.trim() === '' ? 'access.empty' : 'access.unsendable');
      this.#note.dataset.kind = 'bad';
      this.#input.setAttribute('aria-invalid', 'true');
      return this.#input.focus();
    }
    this.#leave();
    this.#entered();
  }

  #leave() {
    this.close();
    this.#button.focus();
  }

  #show() {
    const has = hasCredential();
    word(this.#note, has ? 'access.has' : 'access.hint');
    delete this.#note.dataset.kind;
    this.#input.removeAttribute('aria-invalid');
    this.#forget.hidden = !has;
    this.#button.classList.toggle('is-on', has);
    for (const attribute of ['aria-label', 'title']) wordFor(this.#button, attribute, has ? 'access.button.has' : 'access.button');
  }
}
