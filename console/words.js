// Says things in the reader's language, and says all of them again when the language changes.
//
// An element names its words by `data-word` (its text) and `data-word-<attribute>`; what stands in the words' places is
// kept beside it.

import { DICTIONARY } from './dictionary.js';
import { visible } from './visible.js';

const KEY = 'tidings.language';
const ATTRIBUTES = ['aria-label', 'placeholder', 'title'];

/** What stands in the places of an element's words. */
const places = new WeakMap();
const listeners = new Set();

let language = chosen() ?? preferred();

/**
 * Learns the words of a page that says more than the console.
 *
 * @param {typeof DICTIONARY} more
 */
export function learn(more) {
  for (const language of Object.keys(DICTIONARY)) Object.assign(DICTIONARY[language], more[language]);
}

/** @returns {'en' | 'zh'} */
export function currentLanguage() {
  return language;
}

/**
 * @param {string} key
 * @param {Record<string, string | number>} [place]
 * @returns {string}
 */
export function say(key, place = {}) {
  const words = DICTIONARY[language][key] ?? key;
  const text = typeof words === 'function' ? words(place) : words;
  return text.replace(/\{(\w+)\}/g, (_, name) => visible(String(place[name] ?? '')));
}

/**
 * Gives an element its text.
 *
 * @template {HTMLElement} E
 * @param {E} element
 * @param {string} key
 * @param {Record<string, string | number>} [place]
 * @returns {E}
 */
export function word(element, key, place) {
  if (place) places.set(element, place);
  element.dataset.word = key;
  const text = say(key, place);
  if (element.textContent !== text) element.textContent = text;
  return element;
}

/**
 * Gives an element words in an attribute.
 *
 * @template {HTMLElement} E
 * @param {E} element
 * @param {'aria-label' | 'placeholder' | 'title'} attribute
 * @param {string} key
 * @returns {E}
 */
export function wordFor(element, attribute, key) {
  element.setAttribute(`data-word-${attribute}`, key);
  element.setAttribute(attribute, say(key));
  return element;
}

/** @param {'en' | 'zh'} next */
export function speak(next) {
  language = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // Not remembered where storage is forbidden.
  }
  sayAll();
}

/** Says everything on the page, anew. */
export function sayAll() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  for (const element of document.querySelectorAll('[data-word]')) {
    element.textContent = say(element.dataset.word, places.get(element));
  }
  for (const attribute of ATTRIBUTES) {
    for (const element of document.querySelectorAll(`[data-word-${attribute}]`)) {
      element.setAttribute(attribute, say(element.getAttribute(`data-word-${attribute}`), places.get(element)));
    }
  }
  for (const listener of listeners) listener();
}

/** @param {() => void} listener Called when the language has changed. */
export function onLanguage(listener) {
  listeners.add(listener);
}

function chosen() {
  try {
    const text = localStorage.getItem(KEY);
    return text in DICTIONARY ? text : null;
  } catch {
    return null;
  }
}

function preferred() {
  return /^zh\b/i.test(globalThis.navigator?.language ?? '') ? 'zh' : 'en';
}
