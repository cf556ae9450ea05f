// A button that copies a text, and a block of code that bears one.

import { element } from './element.js';
import { icon } from './icon.js';
import { say, word, wordFor } from './words.js';

const DONE_MS = 1_600;

/**
 * @param {() => string} text Asked for at each click.
 * @param {{ labelled?: boolean }} [options] Whether the word stands beside the icon.
 */
export function copyButton(text, { labelled = false } = {}) {
  const sign = element('span', { class: 'sign' }, icon('copy'));
  const label = element('span', { class: labelled ? '' : 'unseen', 'aria-live': 'polite' });
  const button = element('button', { class: 'quiet copy', type: 'button' }, sign, word(label, 'copy'));
  if (!labelled) wordFor(button, 'title', 'copy');
  let timer = 0;
  const show = (state, name) => {
    sign.replaceChildren(icon(name));
    word(label, state);
    button.classList.toggle('is-done', state === 'copied');
  };
  button.addEventListener('click', async () => {
    clearTimeout(timer);
    const done = await copy(text());
    show(done ? 'copied' : 'copy.failed', done ? 'done' : 'alert');
    timer = setTimeout(() => show('copy', 'copy'), DONE_MS);
  });
  return button;
}

/**
 * Lines of code with a button to copy them, and with a heading if there is a key for one.
 *
 * @param {string} [heading]
 */
export function snippet(heading) {
  const code = element('code');
  const copy = copyButton(() => code.textContent);
  const pre = element('pre', { tabindex: '0' }, code);
  const node = element('div', { class: 'snippet' });
  if (heading) node.append(element('header', {}, word(element('h3'), heading), copy), pre);
  else node.append(pre, copy);
  return {
    node,
    /** @param {string} text */
    show(text) {
      if (code.textContent === text) return;
      code.textContent = text;
      pre.classList.toggle('is-line', !text.includes('\n'));
    },
  };
}

/** The clipboard is only there on secure origins; elsewhere the old way still works. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text) {
  const area = element('textarea', { class: 'unseen', 'aria-label': say('copy') });
  const focused = document.activeElement;
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  focused?.focus();
  return done;
}
