// A proxy that puts the hub below a path, as nginx does with `location /push/ { proxy_pass http://hub/; }`.

import { startOrigin } from './origin.js';
import { passOn } from './pass-on.js';

/**
 * The proxy lives as long as the scene. `strays` are the paths that it was asked for elsewhere: it answers them 404. Without
 * its slash the prefix leads to the one with it, or, if `redirects` is false, to the page of the hub.
 */
export async function startPrefixProxy(scene, port, prefix, { redirects = true } = {}) {
  const strays = [];
  const origin = await startOrigin(scene, (request, response) => {
    const bare = request.url.split('?', 1)[0] === prefix.slice(0, -1);
    if (bare && redirects) return response.writeHead(301, { Location: prefix }).end();
    if (!bare && !request.url.startsWith(prefix)) {
      strays.push(request.url);
      return response.writeHead(404).end();
    }
    const path = bare ? `/${request.url.slice(prefix.length - 1)}` : request.url.slice(prefix.length - 1);
    passOn(request, response, port, path);
  });
  return { origin, strays };
}
