// Where the hub is. The hub cannot tell: it may stand below a path of a proxy, or of another server. The script in the page
// has found it in the page's address, and this file came from `console/`, one step below the hub's root.

import { pathOf } from './topic.js';

/** The URL of the hub's root. It ends with a slash. */
export const HUB = new URL('..', import.meta.url).href;

/**
 * The URL at which some selectors are read, and a topic is published to.
 *
 * @param {string[]} selectors
 */
export function urlOf(selectors) {
  return HUB + pathOf(selectors);
}
