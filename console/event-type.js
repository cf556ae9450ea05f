// Types of events that are the hub's own: they begin with `tidings.`, and no publisher can use them.

const OWN = 'tidings.';

/** Events that were asked for are gone. */
export const GAP = 'tidings.gap';

/** Fewer of the newest events come than were asked for: the hub would have had to look at too many. */
export const PARTIAL = 'tidings.partial';

/** What let the stream in is over. The hub ends the stream behind it. */
export const EXPIRED = 'tidings.expired';

/** The first event of a stream. It names the connection. */
export const OPEN = 'tidings.open';

/** Where the stream stands, told while it has no event to tell. */
export const CURSOR = 'tidings.cursor';

/**
 * Whether the page has a use for events of this type. Types of a later hub that it does not know are nothing that
 * anybody published.
 *
 * @param {string} type
 */
export function isShown(type) {
  return type === GAP || type === PARTIAL || !type.startsWith(OWN);
}
