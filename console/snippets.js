// The lines to copy: how to watch and to publish what the page shows, from a shell and from a page. Pure.

import { aliasFor } from './aliases.js';
import { exampleTopic, inboxPathOf, pathOf } from './topic.js';
import { escaped } from './visible.js';

/** Event types that a snippet names at most. */
const TYPES_MAX = 5;

/**
 * @typedef {object} Asked
 * @property {string} hub        The URL of the hub's root.
 * @property {[path: string, selector: string][]} [aliases]  Other paths of topics.
 * @property {string[]} selectors
 * @property {string[]} types    Event types seen, other than `message`.
 * @property {boolean} [token_to_publish]  Whether publishing needs a key or token.
 * @property {boolean} [token_to_watch]  Whether watching does.
 * @property {boolean} [self_signed]  Whether the hub shows a certificate that nobody vouches for.
 */

/** Stands where the key or token of the reader goes. A line that is copied never has the secret itself. */
const HEADER = '-H "Authorization: Bearer $TIDINGS_TOKEN" ';

/** @param {Asked} asked */
export function curlWatch(asked) {
  return `curl${insecure(asked)} -N ${asked.token_to_watch ? HEADER : ''}${shellWord(addressOf(asked, asked.selectors))}`;
}

/** @param {Asked} asked */
export function curlPublish(asked, data = 'hello') {
  const url = addressOf(asked, [exampleTopic(asked.selectors)]);
  return `curl${insecure(asked)} -d ${shellWord(data)} ${asked.token_to_publish ? HEADER : ''}${shellWord(url)}`;
}

/**
 * How a user is notified.
 *
 * @param {{ hub: string, self_signed?: boolean, token_to_publish?: boolean }} asked
 */
export function curlNotify(asked, user, title) {
  const body = JSON.stringify({ title });
  return `curl${insecure(asked)} -d ${shellWord(body)} ${asked.token_to_publish ? HEADER : ''}${shellWord(asked.hub + inboxPathOf(user))}`;
}

/** An `EventSource` cannot send a header. */
const PAGE_NOTE = ['// EventSource sends no key or token: use', '// a cookie or a signed URL (tidings sign).'];

/** @param {Asked} asked */
export function javaScript(asked) {
  const lines = [
    ...(asked.token_to_watch ? PAGE_NOTE : []),
    `const source = new EventSource(\n  ${quoted(addressOf(asked, asked.selectors))}\n);`,
    'const show = (e) => console.log(e.data);',
    'source.onmessage = show;',
  ];
  for (const type of asked.types.slice(0, TYPES_MAX)) lines.push(`source.addEventListener(${quoted(type)}, show);`);
  if (asked.types.length > TYPES_MAX) lines.push('// ... and so on for each type.');
  return lines.join('\n');
}

/** Behind a proxy that shows a certificate of its own, `-k` is not needed and does no harm. */
function insecure({ hub, self_signed = false }) {
  return self_signed && hub.startsWith('https:') ? ' -k' : '';
}

/** The URL of some selectors, by the alias that they have. */
function addressOf({ hub, aliases = [] }, selectors) {
  return hub + (aliasFor(aliases, selectors) || pathOf(selectors));
}

/** A word of a shell, in quotes if it needs them. */
function shellWord(text) {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function quoted(text) {
  return `'${escaped(JSON.stringify(text)).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}
