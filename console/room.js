// Over HTTP/1.1 a browser opens at most six connections to a host, for all of its tabs together. If streams hold all six, none is left to
// publish over, or to load a page. Tabs of the console share one stream, by what browsers offer over https and on localhost alone.
// Elsewhere each tab has a stream of its own while somebody looks at it.

import { HUB } from './hub.js';

/** An answer that takes longer than this waits for a connection. */
const SPARE_MS = 2_000;

/** Whether the page came over HTTP/1, where the tabs of a browser share a few connections. */
export function sharesConnections() {
  const [page] = performance.getEntriesByType?.('navigation') ?? [];
  const protocol = page?.nextHopProtocol ?? '';
  // A browser that does not tell speaks HTTP/2 over TLS alone.
  return protocol === '' ? globalThis.location?.protocol === 'http:' : protocol.startsWith('http/');
}

/** Whether a request goes through: other pages may hold the connections that the tabs of the console leave over. */
export function hasSpareConnection() {
  const signal = AbortSignal.timeout(SPARE_MS);
  return fetch(`${HUB}healthz`, { cache: 'no-store', signal }).then(() => true, () => false);
}
