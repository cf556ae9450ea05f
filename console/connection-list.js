// The card of those who are connected, for an admin. It hides where the hub does not answer with a list.
//
// The list is asked for again every few seconds, but not while nobody can see it.

import { CONNECTIONS_MAX, connectionsAfter, disconnect } from './admin.js';
import { hubNow } from './clock.js';
import { hasCredential, onCredential } from './credential.js';
import { element } from './element.js';
import { sayProblem } from './problem-words.js';
import { agoOf, countOf, fullTimeOf } from './time.js';
import { onLanguage, say, word } from './words.js';

/** @typedef {import('./admin.js').Connected} Connected */

const AGAIN_MS = 5_000;
/** A stream that has just begun may not be on the list yet. */
const SOON_MS = 1_000;
/** Answers that say that this is not for the one who asked, or that the hub has no such list. */
const HIDING = [401, 403, 404, 405];

export class ConnectionList {
  #card;
  #tab;
  #note = element('p', { class: 'note', role: 'status' });
  #list = element('ol', { class: 'connection-list' });
  #first = element('button', { class: 'quiet', type: 'button' });
  #next = element('button', { class: 'quiet', type: 'button' });
  /** Behind which connection the page begins that is shown; empty for the first page. */
  #after = '';
  #connections = [];
  #own = '';
  /** Whether the page has a new connection, which no list has had so far. */
  #expects_own = false;
  /** Whether the list is not for the key or token of the tab: it is not asked for again with that one. */
  #refused = false;
  #words = () => '';
  #asked = 0;
  #timer = 0;

  /**
   * @param {HTMLElement} card
   * @param {HTMLElement} tab  The tab that shows the card where parts are shown one at a time.
   */
  constructor(card, tab) {
    this.#card = card;
    this.#tab = tab;
    word(this.#first, 'connections.first');
    word(this.#next, 'connections.next', { count: countOf(CONNECTIONS_MAX) });
    card.append(this.#note, this.#list, element('div', { class: 'connection-pages' }, this.#first, this.#next));
    this.#first.addEventListener('click', () => this.#turn(''));
    this.#next.addEventListener('click', () => this.#turn(this.#connections.at(-1)?.id ?? ''));
    onLanguage(() => this.#draw());
    onCredential(() => (this.#refused = false));
  }

  /** @param {string} connection  The id of the page's own connection. */
  set own(connection) {
    this.#own = connection;
    this.#expects_own = connection !== '';
    this.look();
  }

  /** Asks for the list, if there is a key or token that may be an admin's. */
  async look() {
    clearTimeout(this.#timer);
    if (!hasCredential() || this.#refused) return this.#show(false);
    const asked = (this.#asked += 1);
    const answer = await connectionsAfter(this.#after);
    if (asked !== this.#asked) return;
    this.#refused = HIDING.includes(answer.problem?.status);
    if (this.#refused) return this.#show(false);
    this.#take(answer);
    const misses_own = this.#expects_own && !this.#connections.some(({ id }) => id === this.#own);
    this.#expects_own = false;
    this.#again(misses_own ? SOON_MS : AGAIN_MS);
  }

  #again(ms = AGAIN_MS) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#isSeen() ? this.look() : this.#again()), ms);
  }

  /** The list stands still under the pointer, and while it has the focus of a keyboard, so that no other row is ended. */
  #isSeen() {
    const is_held = this.#list.matches(':hover') || this.#list.querySelector(':focus-visible') !== null;
    return !document.hidden && this.#card.checkVisibility() && !is_held;
  }

  #take({ connections, more, problem }) {
    // A hub that cannot answer for a moment keeps its list on the page, and an admin is told why it does not change.
    if (problem) return this.#say(() => sayProblem(problem));
    this.#connections = connections;
    this.#first.hidden = this.#after === '';
    this.#next.hidden = !more;
    // At the least this page is connected, whose stream may not be there yet.
    this.#say(() => (this.#after === '' && this.#own === '' && connections.length === 0 ? say('connections.none') : ''));
    this.#draw();
    this.#show(true);
  }

  #draw() {
    this.#list.replaceChildren(...this.#connections.map((connected) => this.#rowOf(connected)));
    this.#note.textContent = this.#words();
  }

  #turn(after) {
    this.#after = after;
    this.look();
  }

  async #end(connected, button) {
    const index = this.#connections.indexOf(connected);
    button.disabled = true;
    const { disconnected, problem } = await disconnect(connected.id);
    await this.look();
    // The row has gone, and the focus with it: it goes to the row in its place.
    (this.#list.children[index] ?? this.#list.lastElementChild)?.querySelector('button').focus();
    this.#say(() => (problem ? sayProblem(problem) : say('connections.ended', { count: disconnected })));
  }

  /** @param {Connected} connected */
  #rowOf(connected) {
    const { id, user, address, transport, selectors, since, lag } = connected;
    const name = user === '' ? word(element('em'), 'connections.anonymous') : element('strong', {}, user);
    const end = word(element('button', { class: 'quiet', type: 'button' }), 'connections.end');
    end.setAttribute('aria-label', say('connections.end.label', { user: user || say('connections.anonymous'), address }));
    end.addEventListener('click', () => this.#end(connected, end));
    const who = element('p', { class: 'connection-who' }, name);
    if (id === this.#own) who.append(word(element('span', { class: 'connection-own' }), 'connections.own'));
    const facts = [address, transport, since ? agoOf(hubNow() - since.getTime()) : '', lagWords(lag)];
    return element(
      'li',
      { title: since ? `${id} \u00b7 ${fullTimeOf(since)}` : id },
      who,
      element('p', { class: 'connection-topics' }, selectors.join(', ')),
      element('p', { class: 'connection-facts' }, facts.filter((fact) => fact !== '').join(' \u00b7 ')),
      end,
    );
  }

  #say(words) {
    this.#words = words;
    this.#note.textContent = words();
  }

  #show(is_admin) {
    this.#card.hidden = this.#tab.hidden = !is_admin;
  }
}

function lagWords(lag) {
  return lag === 0 ? say('connections.no-lag') : say('connections.lag', { count: countOf(lag) });
}
