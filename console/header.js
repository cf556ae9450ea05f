// The bar at the top: the way to any topic, the language, the colours.

import { byId } from './element.js';
import { HUB, urlOf } from './hub.js';
import { startTheme } from './theme.js';
import { currentLanguage, speak } from './words.js';

/** @param {(selectors: string[]) => string} [addressOf]  Where the way to some topics leads. */
export function startHeader(addressOf = urlOf) {
  // The page does not know by itself where the hub is.
  byId('brand').href = HUB + byId('brand').dataset.home;
  byId('go').addEventListener('submit', (event) => {
    event.preventDefault();
    const selectors = byId('go-to').value.split(/\s+/).filter((text) => text !== '');
    if (selectors.length > 0) location.assign(addressOf(selectors));
  });
  startTheme(byId('theme'));
  startLanguage(byId('language'));
}

function startLanguage(button) {
  const show = () => (button.lang = currentLanguage() === 'zh' ? 'en' : 'zh-CN');
  button.addEventListener('click', () => {
    speak(currentLanguage() === 'zh' ? 'en' : 'zh');
    show();
  });
  show();
}
