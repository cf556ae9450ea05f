// What carries the events of the client, and the way to choose it.

import { element } from '../element.js';
import { onLanguage, say, word, wordFor } from '../words.js';
import { BY_NAME, choice } from './client.js';

/** @param {() => void} changed  Another one is chosen. */
export function clientCard(changed) {
  const used = element('p', { class: 'note', role: 'status' });
  const select = wordFor(element('select', { class: 'input' }), 'aria-label', 'transports.client.choice');
  const any = element('option', { value: '' });
  select.append(any, ...BY_NAME.map((name) => element('option', { value: name }, name)));
  select.addEventListener('change', () => {
    choice.transport = select.value;
    changed();
  });
  choice.used = (transport) => word(used, 'transports.client.used', { transport });
  const show = () => (any.textContent = say('transports.client.any'));
  onLanguage(show);
  show();
  return element('section', { class: 'card client' }, word(element('h2'), 'transports.client.title'), select, used);
}
