// Says in the language of the page what went wrong.

import { PROBLEMS } from './problem-dictionary.js';
import { visible } from './visible.js';
import { currentLanguage, say } from './words.js';

/** @param {import('./problem.js').Problem} problem */
export function sayProblem({ status, type, title, detail }) {
  if (status === 0) return say('problem.unreachable');
  const language = currentLanguage();
  // The hub speaks English, and names the values.
  if (language === 'en' && detail !== '') return visible(detail);
  const words = Object.hasOwn(PROBLEMS[language], type) ? PROBLEMS[language][type] : '';
  if (words !== '') return detail === '' ? words : say('problem.with-detail', { words, detail });
  return say('problem.other', { status, title: detail || title });
}
