// The bar at the top, the same on all pages: the mark, the way to any topic or user, what a page puts there itself, the language, the access, the colours.

import { byId, drawing, element } from './element.js';
import { HUB, urlOf } from './hub.js';
import { startTheme } from './theme.js';
import { currentLanguage, speak, word, wordFor } from './words.js';

/** @param {(selectors: string[]) => string} [addressOf]  Where the way to some topics leads. */
export function startHeader(addressOf = urlOf) {
  const bar = byId('bar');
  const { home, goLabel, goPlaceholder } = bar.dataset;
  const language = wordFor(word(element('button', { id: 'language', class: 'quiet', type: 'button' }), 'language'), 'title', 'language.label');
  const access = element('button', { id: 'access-open', class: 'quiet square', type: 'button', 'aria-expanded': 'false', 'aria-controls': 'access' });
  const theme = element('button', { id: 'theme', class: 'quiet square', type: 'button' });
  // The page does not know by itself where the hub is.
  bar.prepend(element('a', { id: 'brand', class: 'brand', href: HUB + home }, mark(), 'tidings'), wayTo(goLabel, goPlaceholder, addressOf));
  const bell = bar.querySelector('tidings-inbox');
  for (const button of [language, access, theme]) bar.insertBefore(button, bell);
  startTheme(theme);
  startLanguage(language);
}

/** The picture of favicon.svg. Here, because one more file might wait for a connection that the stream has. */
function mark() {
  const stroke = { stroke: '#fff', 'stroke-width': '2.6', 'stroke-linecap': 'round', fill: 'none' };
  return drawing(
    'svg',
    { viewBox: '0 0 32 32', width: '28', height: '28', 'aria-hidden': 'true' },
    drawing('rect', { width: '32', height: '32', rx: '9', fill: '#0b7468' }),
    drawing(
      'g',
      stroke,
      drawing('path', { d: 'M7 11c3-3 6-3 9 0s6 3 9 0' }),
      drawing('path', { d: 'M7 17c3-3 6-3 9 0s6 3 9 0', opacity: '.72' }),
      drawing('path', { d: 'M7 23c3-3 6-3 9 0', opacity: '.5' }),
    ),
  );
}

function wayTo(label, placeholder, addressOf) {
  const to = element('input', { id: 'go-to', class: 'input', type: 'text', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', enterkeyhint: 'go' });
  wordFor(wordFor(to, 'aria-label', label), 'placeholder', placeholder);
  const form = element('form', { id: 'go', class: 'go', role: 'search' }, to);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const selectors = to.value.split(/\s+/).filter((text) => text !== '');
    if (selectors.length > 0) location.assign(addressOf(selectors));
  });
  return form;
}

function startLanguage(button) {
  const show = () => (button.lang = currentLanguage() === 'zh' ? 'en' : 'zh-CN');
  button.addEventListener('click', () => {
    speak(currentLanguage() === 'zh' ? 'en' : 'zh');
    show();
  });
  show();
}
