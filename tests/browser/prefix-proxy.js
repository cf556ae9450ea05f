// A proxy that puts the hub below a path, as nginx does with `location /push/ { proxy_pass http://hub/; }`.

import http from 'node:http';

import { startOrigin } from './origin.js';

/** The proxy lives as long as the scene. `strays` are the paths that it was asked for elsewhere: it answers them 404. */
export async function startPrefixProxy(scene, port, prefix) {
  const strays = [];
  const origin = await startOrigin(scene, (request, response) => {
    if (request.url === prefix.slice(0, -1)) return response.writeHead(301, { Location: prefix }).end();
    if (!request.url.startsWith(prefix)) {
      strays.push(request.url);
      return response.writeHead(404).end();
    }
    const path = request.url.slice(prefix.length - 1);
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
