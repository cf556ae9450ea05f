// What a WebSocket is subscribed to, and the way to more and fewer.

import { element } from '../element.js';
import { icon } from '../icon.js';
import { problemIn } from '../problem.js';
import { sayProblem } from '../problem-words.js';
import { onLanguage, say, word, wordFor } from '../words.js';

/** @param {import('./link.js').Link} link */
export function socketCard(link) {
  const list = element('ul', { class: 'socket-selectors' });
  const input = element('input', { class: 'input', type: 'text', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false' });
  const button = word(element('button', { class: 'quiet', type: 'submit' }), 'transports.socket.more');
  const note = element('p', { class: 'note', role: 'status' });
  const form = element('form', { class: 'socket-form' }, wordFor(input, 'aria-label', 'transports.socket.more.label'), button);

  const show = () => list.replaceChildren(...[...link.selectors].sort().map((selector) => element('li', {}, selector, less(selector))));
  const less = (selector) => {
    const label = say('transports.socket.less', { selector });
    const remove = () => ask({ unsubscribe: [selector] });
    return element('button', { class: 'quiet', type: 'button', 'aria-label': label, title: label, onclick: remove }, icon('close'));
  };
  const ask = async (what) => {
    const { ok, error } = (await link.connection?.say(what)) ?? { error: {} };
    if (ok) link.selectors = ok;
    note.textContent = error ? sayProblem(problemIn(error)) : '';
    if (ok) show();
    return ok !== undefined;
  };
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const selector = input.value.trim();
    if (selector !== '' && (await ask({ subscribe: [selector] }))) input.value = '';
  });
  onLanguage(show);
  show();
  return element('section', { class: 'card socket' }, word(element('h2'), 'transports.socket'), list, form, note);
}
