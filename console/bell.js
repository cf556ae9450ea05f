// The bell: the inbox of one user, in the component that the hub serves to all pages. What the console adds is whose inbox it is.
//
// A token says who its user is. Without one, or with a key, somebody enters a name.

import { snippet } from './copy-button.js';
import { authorization, claimedUser, hasCredential, onCredential } from './credential.js';
import { element } from './element.js';
import { HUB } from './hub.js';
import { chosenUser, chooseUser, onChosenElsewhere } from './inbox-user.js';
import { isAboutAccess, problemOfFailure } from './problem.js';
import { sayProblem } from './problem-words.js';
import { curlNotify } from './snippets.js';
import { inboxPathOf } from './topic.js';
import { currentLanguage, onLanguage, word } from './words.js';

/** Whom the example notifies while there is no user. */
const EXAMPLE_USER = 'alice';
/** What the example says. */
const FIRST_TITLE = 'Hello';
const NOT_FOUND = 404;

export class Bell {
  #element;
  #inbox;
  #asked;
  #transport;
  #askAccess;
  #user = '';
  #box = undefined;
  /** It leaves its connection to others. */
  #is_resting;
  #input = element('input', {
    id: 'bell-user',
    class: 'input',
    type: 'text',
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    enterkeyhint: 'go',
    'aria-describedby': 'bell-note',
  });
  #note = word(element('p', { id: 'bell-note', class: 'note' }), 'bell.note');
  #whose = element('p', { class: 'bell-whose' });
  #change = word(element('button', { class: 'quiet', type: 'button' }), 'bell.change');
  #access = word(element('button', { class: 'primary', type: 'button', hidden: true }), 'banner.key');
  #form = element('form', { slot: 'no-user', class: 'bell-form', novalidate: true });
  #foot = element('div', { slot: 'foot', class: 'bell-foot' });
  #curl = snippet();
  /** How the user is notified. It is open where the inbox is empty. */
  #example = element('details', { open: true }, word(element('summary'), 'bell.curl'), this.#curl.node);

  /**
   * @param {HTMLElement} place  The `<tidings-inbox>` of the page.
   * @param {object} options
   * @param {typeof import('../clients/js/src/inbox/index.js').inbox} options.inbox
   * @param {import('./snippets.js').Asked} options.asked
   * @param {string} [options.transport]  Undefined: the client finds out.
   * @param {boolean} options.is_resting  Somebody else needs the connection now.
   * @param {() => void} options.ask  Asks for a key or token.
   */
  constructor(place, { inbox, asked, transport, is_resting, ask }) {
    this.#element = place;
    this.#inbox = inbox;
    this.#asked = asked;
    this.#transport = transport;
    this.#is_resting = is_resting;
    this.#askAccess = ask;
    this.#build();
    onCredential(() => this.#look());
    onChosenElsewhere(() => this.#look());
    onLanguage(() => this.#speak());
    this.#speak();
    this.#look();
    place.hidden = false;
  }

  /** Leaves the connection to others, until it is woken. */
  rest() {
    this.#is_resting = true;
    this.#box?.close();
  }

  /** Connects if it rests. */
  wake() {
    if (!this.#is_resting) return;
    this.#is_resting = false;
    // The list from before stays until the new one has come.
    const box = this.#newBox();
    const show = () => this.#show(box);
    box?.ready.then(show, show);
  }

  #build() {
    const label = word(element('label', { for: this.#input.id }), 'bell.user');
    const show = word(element('button', { class: 'primary', type: 'submit' }), 'bell.show');
    this.#form.append(label, element('div', { class: 'bell-entry' }, this.#input, show), this.#note);
    this.#foot.append(this.#access, element('div', { class: 'bell-who' }, this.#whose, this.#change), this.#example);
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#enter(this.#input.value.trim());
    });
    this.#input.addEventListener('input', () => this.#complain(''));
    this.#change.addEventListener('click', () => {
      this.#input.value = this.#user;
      this.#choose('');
      // The component shows the field when all that changes at once has changed.
      queueMicrotask(() => this.#input.select());
    });
    this.#access.addEventListener('click', () => {
      this.#element.hide(false);
      this.#askAccess();
    });
    this.#element.append(this.#form, this.#foot);
    this.#element.explain = (failure) => sayProblem(problemOfFailure(failure));
    this.#element.addEventListener('open', () => this.#user === '' && this.#input.focus());
    this.#element.addEventListener('retry', () => this.#open());
    this.#element.addEventListener('choose', follow);
  }

  #enter(name) {
    if (inboxPathOf(name) === '') {
      this.#complain(name === '' ? 'bell.empty' : 'bell.unsendable');
      return this.#input.focus();
    }
    this.#choose(name);
    // What had the focus is gone.
    this.#element.hide();
    this.#element.show();
  }

  #choose(name) {
    chooseUser(name);
    this.#look();
  }

  #complain(key) {
    word(this.#note, key || 'bell.note');
    this.#note.dataset.kind = key && 'bad';
    this.#input.setAttribute('aria-invalid', String(key !== ''));
  }

  /** Finds out whose inbox it is, and opens it. */
  #look() {
    const claimed = claimedUser();
    this.#user = [claimed, chosenUser()].find((name) => inboxPathOf(name) !== '') ?? '';
    this.#complain('');
    this.#example.open = true;
    word(this.#whose, 'bell.whose', { user: this.#user });
    this.#whose.parentElement.hidden = this.#user === '';
    // A token is of its user, whatever was chosen before.
    this.#change.hidden = this.#user === '' || this.#user === claimed;
    this.#curl.show(curlNotify({ ...this.#asked, token_to_publish: hasCredential() }, this.#user || EXAMPLE_USER, FIRST_TITLE));
    this.#open();
  }

  #open() {
    this.#show(this.#newBox());
  }

  /** Undefined if there is no user, or no connection now. */
  #newBox() {
    this.#box?.close();
    this.#box = undefined;
    this.#access.hidden = true;
    if (this.#user === '' || this.#is_resting) return undefined;
    // A URL, because the client takes some names for one. Headers, because they are asked for at each attempt.
    const box = this.#inbox(new URL(HUB + inboxPathOf(this.#user)), { headers: authorization, transport: this.#transport });
    this.#box = box;
    box.addEventListener('error', ({ error, willRetry, action }) => willRetry || action || this.#refused(box, error));
    box.ready.then(() => this.#box === box && (this.#example.open = box.items.length === 0), () => {});
    return box;
  }

  #show(box) {
    if (box === this.#box) this.#element.box = box;
  }

  #refused(box, error) {
    if (this.#box !== box) return;
    const problem = problemOfFailure(error);
    this.#access.hidden = !isAboutAccess(problem);
    // The hub has been started without inboxes since.
    if (problem.status === NOT_FOUND) this.#element.hidden = true;
  }

  #speak() {
    this.#element.lang = currentLanguage() === 'zh' ? 'zh-CN' : 'en';
  }
}

/** A link opens beside the console. One without a host is of the application's site: it is followed where the hub stands below a path of that site. */
function follow(event) {
  const { link = '' } = event.detail;
  if (/^mailto:/i.test(link)) return;
  event.preventDefault();
  const leads = /^(https?:|\/\/)/i.test(link) || (link !== '' && new URL(HUB).pathname !== '/');
  if (leads) open(new URL(link, location.origin), '_blank', 'noopener,noreferrer');
}
