// What the page is about, in a heading and a line.

import { byId, element } from './element.js';
import { urlOf } from './hub.js';
import { isPattern, stepsOf } from './topic.js';
import { visible } from './visible.js';
import { onLanguage, say, word } from './words.js';

/** @param {import('./topic.js').Subject} subject */
export function showTitle({ selectors, home }) {
  const title = byId('title');
  if (home) {
    document.title = 'tidings';
    word(title, 'home.title');
    word(byId('about'), 'home.about');
    return;
  }
  document.title = `${visible(selectors.join(' '))} \u00b7 tidings`;
  title.classList.add('is-topic');
  title.append(...selectors.map((selector) => nameOf(selector, selectors.length > 1)));
  const kind = selectors.length > 1 ? 'several' : isPattern(selectors[0]) ? 'pattern' : 'one';
  word(byId('about'), `topic.about.${kind}`);
}

/** A selector, each step of it a link to all below; one of several is a link to itself alone. */
function nameOf(selector, several) {
  if (several) return element('a', { class: 'name chip', href: urlOf([selector]) }, selector);
  const steps = stepsOf(selector);
  const parts = steps.flatMap((step, index) => {
    const last = index === steps.length - 1;
    const here = last || isPattern(step.segment) || step.segment === '';
    const part = here ? element('span', {}, step.segment) : stepLink(step);
    return last ? [part] : [part, element('span', { class: 'slash' }, '/')];
  });
  return element('span', { class: 'name' }, ...parts);
}

function stepLink({ segment, selector }) {
  const link = element('a', { href: urlOf([selector]) }, segment);
  const show = () => (link.title = say('topic.below', { topic: selector.slice(0, -3) }));
  onLanguage(show);
  show();
  return link;
}
