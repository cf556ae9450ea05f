// Asks for the key that a hub wants. It stays in this tab.

import { element } from './element.js';
import { useKey } from './publisher.js';
import { word } from './words.js';

/** @param {() => void} [entered] Called when Enter is pressed; without it, the form around it sends. */
export function keyField(entered) {
  const input = element('input', {
    id: entered ? 'stream-key' : 'publish-key',
    class: 'input',
    type: 'password',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  input.addEventListener('input', () => useKey(input.value));
  if (entered) input.addEventListener('keydown', (event) => event.key === 'Enter' && entered());
  const label = word(element('label', { for: input.id }), 'publish.key');
  const hint = word(element('p', { class: 'note' }), 'publish.key.hint');
  return element('div', { class: 'field key' }, label, input, hint);
}
