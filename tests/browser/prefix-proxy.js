// A proxy that puts the hub below a path, as nginx does with `location /push/ { proxy_pass http://hub/; }`.

import http from 'node:http';

import { startOrigin } from './origin.js';

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
    const { method, headers } = request;
    const asked = http.request({ host: '127.0.0.1', port, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
    });
    asked.on('error', () => response.destroy());
    response.on('close', () => asked.destroy());
    request.pipe(asked);
  });
  return { origin, strays };
}
