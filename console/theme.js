// Light or dark: as the system has it, until somebody chooses. The choice is remembered until it is the system's again.

import { icon } from './icon.js';
import { wordFor } from './words.js';

const KEY = 'tidings.theme';
const system = matchMedia('(prefers-color-scheme: dark)');

/** @param {HTMLButtonElement} button */
export function startTheme(button) {
  const show = () => {
    const next = shown() === 'dark' ? 'light' : 'dark';
    button.replaceChildren(icon(next === 'dark' ? 'moon' : 'sun'));
    wordFor(button, 'aria-label', `theme.${next}`);
    wordFor(button, 'title', `theme.${next}`);
  };
  button.addEventListener('click', () => {
    choose(shown() === 'dark' ? 'light' : 'dark');
    show();
  });
  system.addEventListener('change', show);
  show();
}

function shown() {
  return document.documentElement.dataset.theme ?? (system.matches ? 'dark' : 'light');
}

function choose(theme) {
  const own = theme === (system.matches ? 'dark' : 'light');
  if (own) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (own) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Not remembered where storage is forbidden.
  }
}
