// The lines to copy: how to watch and to publish what the page shows, from a shell and from a page. Pure.

import { exampleTopic, pathOf } from './topic.js';

/** Event types that a snippet names at most. */
const TYPES_MAX = 5;

/**
 * @typedef {object} Asked
 * @property {string} hub        The URL of the hub's root.
 * @property {string[]} selectors
 * @property {string[]} types    Event types seen, other than `message`.
 * @property {boolean} with_key  Whether the hub wants a key to publish.
 */

/** @param {Asked} asked */
export function curlWatch({ hub, selectors }) {
  return `curl -N ${shellWord(hub + pathOf(selectors))}`;
}

/** @param {Asked} asked */
export function curlPublish({ hub, selectors, with_key }, data = 'hello') {
  const key = with_key ? '-H "Authorization: Bearer $TIDINGS_PUBLISH_KEY" ' : '';
  const url = hub + pathOf([exampleTopic(selectors)]);
  return `curl -d ${shellWord(data)} ${key}${shellWord(url)}`;
}

/** @param {Asked} asked */
export function javaScript({ hub, selectors, types }) {
  const lines = [
    `const source = new EventSource(\n  ${quoted(hub + pathOf(selectors))}\n);`,
    'const show = (e) => console.log(e.data);',
    'source.onmessage = show;',
  ];
  for (const type of types.slice(0, TYPES_MAX)) lines.push(`source.addEventListener(${quoted(type)}, show);`);
  return lines.join('\n');
}

/** A word of a shell, in quotes if it needs them. */
function shellWord(text) {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function quoted(text) {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}
