// The inbox of one user: a badge, and the list, as `inbox()` of the client says they are.

import { inbox } from '../../tidings-inbox.js';
import { authorization } from '../credential.js';
import { element, textNodes } from '../element.js';
import { HUB } from '../hub.js';
import { icon } from '../icon.js';
import { problemIn } from '../problem.js';
import { sayProblem } from '../problem-words.js';
import { agoOf, fullTimeOf } from '../time.js';
import { onLanguage, word, wordFor } from '../words.js';

/** How often the times are said anew. */
const TICK_MS = 15_000;
/** More are not counted on the badge. */
const BADGE_MAX = 99;

/** Not `all`: what comes in this moment was not seen. */
const readShown = (box) => (box.items.length > 0 ? box.markRead({ through: box.items[0] }) : undefined);

export class InboxCard {
  node;
  #user;
  #listener;
  #box;
  #unread = 0;
  /** Rows by the id of their items, so that a change moves no focus. */
  #rows = new Map();
  #badge = element('span', { class: 'badge', 'aria-hidden': 'true', hidden: true });
  /** The same for those who hear the page. */
  #said = element('span', { class: 'unseen', role: 'status' });
  #state = element('span', { class: 'box-state' });
  #list = element('ol', { class: 'items' });
  #empty = element('p', { class: 'items-empty' });
  #why = element('p', { class: 'banner', role: 'alert', hidden: true });
  #all;
  #more;

  /**
   * @param {string} user
   * @param {{ address: string, is_alone: boolean, changed: () => void, refused: (status: number) => void }} listener
   */
  constructor(user, listener) {
    this.#user = user;
    this.#listener = listener;
    this.#all = word(element('button', { class: 'quiet', type: 'button', onclick: () => this.#act(readShown) }), 'inbox.read-all');
    this.#more = word(element('button', { class: 'quiet', type: 'button', hidden: true, onclick: () => this.#act((box) => box.loadMore()) }), 'inbox.more');
    const own = element('a', { class: 'quiet square', href: listener.address, target: '_blank', hidden: listener.is_alone }, icon('window'));
    wordFor(wordFor(own, 'title', 'inbox.window'), 'aria-label', 'inbox.window');
    const name = element('h2', { id: `box-${user}` }, user);
    this.node = element(
      'section',
      { class: 'card box', 'aria-labelledby': `box-${user}` },
      element('header', {}, name, this.#badge, this.#said, this.#state, this.#all, own),
      this.#why,
      element('div', { class: 'box-body' }, this.#list, this.#empty, this.#more),
    );
    setInterval(() => this.#box && this.#show(), TICK_MS);
    onLanguage(() => this.#box && this.#show());
  }

  get unread() {
    return this.#unread;
  }

  /** Opens it, with the key or token that there is now. */
  open() {
    this.#box?.close();
    const box = (this.#box = inbox(this.#user, { url: HUB, headers: authorization }));
    box.addEventListener('change', () => box === this.#box && this.#show());
    box.addEventListener('error', ({ error, willRetry }) => box === this.#box && this.#failed(error, willRetry));
    this.#why.hidden = true;
    this.#show();
  }

  #act(ask) {
    // Why it was refused is told by the event.
    ask(this.#box)?.catch(() => {});
  }

  #failed(failure, will_retry) {
    const problem = problemIn({ status: failure.status, ...failure.problem });
    const words = failure.status > 0 ? sayProblem(problem) : failure.message;
    this.#why.replaceChildren(...textNodes(words));
    const is_access = failure.status === 401 || failure.status === 403;
    if (is_access) this.#why.append(element('br'), word(element('span'), 'inbox.access', { user: this.#user }));
    this.#why.hidden = will_retry;
    if (is_access) this.#listener.refused(failure.status);
  }

  #show() {
    const { items, unread, hasMore, isLoaded, state } = this.#box.snapshot;
    if (unread > this.#unread) this.#bump();
    this.#unread = unread;
    this.#badge.hidden = unread === 0;
    this.#badge.textContent = unread > BADGE_MAX ? `${BADGE_MAX}+` : String(unread);
    word(this.#said, 'inbox.unread', { count: unread });
    this.node.dataset.state = state;
    this.node.dataset.unread = String(unread);
    if (state === 'open') this.#why.hidden = true;
    word(this.#state, `inbox.state.${state}`);
    this.#all.disabled = unread === 0;
    this.#more.hidden = !hasMore;
    this.#empty.hidden = items.length > 0 || state === 'closed';
    word(this.#empty, isLoaded ? 'inbox.empty' : 'inbox.loading');
    this.#showItems(items);
    this.#listener.changed();
  }

  #showItems(items) {
    const ids = new Set(items.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      row.node.remove();
      this.#rows.delete(id);
    }
    let before = null;
    for (const item of items) {
      const row = this.#rows.get(item.id) ?? this.#rowOf(item);
      row.show(item);
      if (before ? before.nextSibling !== row.node : this.#list.firstChild !== row.node) this.#list.insertBefore(row.node, before ? before.nextSibling : this.#list.firstChild);
      before = row.node;
    }
  }

  #rowOf({ id, title, body, link, kind, time }) {
    let now;
    const toggle = element('button', { class: 'quiet square', type: 'button', onclick: () => this.#act((box) => (now.read ? box.markUnread(now) : box.markRead(now))) });
    const remove = element('button', { class: 'quiet square', type: 'button', onclick: () => this.#act((box) => box.remove(now)) }, icon('clear'));
    wordFor(wordFor(remove, 'title', 'inbox.remove'), 'aria-label', 'inbox.remove');
    const ago = element('time', { datetime: time });
    const text = element('div', { class: 'item-text' }, element('strong', { class: 'item-title', dir: 'auto' }, title));
    if (body) text.append(element('p', { dir: 'auto' }, body));
    const about = element('p', { class: 'item-about' }, ago);
    if (kind) about.append(element('span', { class: 'item-kind' }, kind));
    // The hub lets no link through that would run in the page.
    if (link) about.append(element('a', { href: link, target: '_blank', rel: 'noopener noreferrer', title: link }, link));
    text.append(about);
    const node = element('li', { class: 'item' }, element('span', { class: 'item-dot', 'aria-hidden': 'true' }), text, toggle, remove);
    const row = {
      node,
      show: (item) => {
        if (now?.read !== item.read) toggle.replaceChildren(icon(item.read ? 'unread' : 'done'));
        now = item;
        node.classList.toggle('is-unread', !item.read);
        const key = item.read ? 'inbox.mark-unread' : 'inbox.mark-read';
        wordFor(wordFor(toggle, 'title', key), 'aria-label', key);
        const came = new Date(item.time);
        ago.textContent = agoOf(Date.now() - came);
        ago.title = fullTimeOf(came);
      },
    };
    this.#rows.set(id, row);
    return row;
  }

  #bump() {
    this.#badge.classList.remove('is-bumped');
    // The browser has to notice that it was gone.
    void this.#badge.offsetWidth;
    this.#badge.classList.add('is-bumped');
  }
}
