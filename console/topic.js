// Topics, selectors, users, and the paths they have below the hub's root. Pure: it never looks at the page's own location.

/** Everything there is. */
export const EVERYTHING = '**';

/** The path, below the hub's root, under which events are published and read. */
const EVENTS = 'events';

/** A segment that a path cannot hold, however it is encoded. No topic has one, but an address may. */
const DOTS = /^\.\.?$/;

/** Parameters of the page's URL that say where a stream begins. They go on to the stream as they are. */
const BEGINNINGS = ['last', 'since', 'last_event_id', 'lastEventId', 'on_gap'];

/**
 * What a page shows.
 *
 * @typedef {object} Subject
 * @property {string[]} selectors
 * @property {boolean} home        The page at `/`, not a topic's.
 * @property {[string, string][]} begin  Parameters that say where the stream begins.
 */

/**
 * @param {{ pathname: string, search: string }} location
 * @param {string} root  The path of the hub's root. It ends with a slash.
 * @returns {Subject}
 */
export function subjectOf({ pathname, search }, root) {
  const path = pathname.slice(root.length);
  const query = new URLSearchParams(search);
  const begin = [...query].filter(([name]) => BEGINNINGS.includes(name));
  const rest = path.startsWith(`${EVENTS}/`) ? decoded(path.slice(EVENTS.length + 1)) : '';
  const selectors = rest === '' ? query.getAll('topic').filter((topic) => topic !== '') : [rest];
  if (selectors.length > 0) return { selectors: [...new Set(selectors)], home: false, begin };
  return { selectors: [EVERYTHING], home: path !== EVENTS && !path.startsWith(`${EVENTS}/`), begin };
}

/** @param {string} selector */
export function isPattern(selector) {
  return selector.split('/').some((segment) => segment === '*' || segment === '**');
}

/**
 * The one topic that these selectors name; `''` where there are several, or a pattern.
 *
 * @param {string[]} selectors
 */
export function soleTopic(selectors) {
  return selectors.length === 1 && !isPattern(selectors[0]) ? selectors[0] : '';
}

/**
 * Whether access that does not cover some of these selectors may cover a part of them: another selector, or what a pattern
 * contains.
 *
 * @param {string[]} selectors
 * @param {string[]} uncovered
 */
export function mayHavePart(selectors, uncovered) {
  return uncovered.length > 0 && (uncovered.length < selectors.length || uncovered.some(isPattern));
}

/**
 * A topic that these selectors take in, to show how one is published to.
 *
 * @param {string[]} selectors
 */
export function exampleTopic(selectors) {
  const plain = selectors.find((selector) => !isPattern(selector));
  if (plain) return plain;
  return selectors[0].split('/').map((segment) => (isPattern(segment) ? 'hello' : segment)).join('/');
}

/**
 * The path below the hub's root at which some selectors are read, and a topic is published to.
 *
 * @param {string[]} selectors
 */
export function pathOf(selectors) {
  if (selectors.length === 1 && !DOTS.test(selectors[0])) return `${EVENTS}/${encoded(selectors[0])}`;
  return `${EVENTS}?${selectors.map((selector) => `topic=${encodedWhole(selector)}`).join('&')}`;
}

/**
 * A path or URL with parameters.
 *
 * @param {string} path
 * @param {[string, string][]} parameters Empty values are left out.
 */
export function withParameters(path, parameters) {
  const query = parameters
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}=${encodedWhole(value)}`)
    .join('&');
  if (query === '') return path;
  return `${path}${path.includes('?') ? '&' : '?'}${query}`;
}

/**
 * The steps of a topic, each with the selector that shows all below it; the last one with the topic itself.
 *
 * @param {string} selector
 * @returns {{ segment: string, selector: string }[]}
 */
export function stepsOf(selector) {
  const segments = selector.split('/');
  return segments.map((segment, index) => {
    const last = index === segments.length - 1;
    return { segment, selector: last ? selector : `${segments.slice(0, index + 1).join('/')}/**` };
  });
}

/** Whether a path would not be the same at the other end: clients and proxies fold `//`, `.` and `..`, and drop a last `/`. */
function foldable(topic) {
  return topic.split('/').some((segment) => segment === '' || DOTS.test(segment));
}

function encoded(topic) {
  if (foldable(topic)) return encodedWhole(topic);
  return topic.split('/').map(encodedWhole).join('/');
}

/** Also the apostrophe, so that a URL can stand between two of them in a shell. */
function encodedWhole(text) {
  return encodeURIComponent(text.toWellFormed?.() ?? text).replaceAll("'", '%27');
}

function decoded(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/**
 * The path of a user's inbox, below the hub's root; empty where no URL can hold the name.
 *
 * @param {string} user
 */
export function inboxPathOf(user) {
  // Half of a pair of UTF-16 is no letter, and has no bytes in UTF-8.
  if (user === '' || DOTS.test(user) || /\p{Surrogate}/u.test(user)) return '';
  return `inbox/${encodeURIComponent(user)}`;
}
