// A proxy that puts the hub below a path, as nginx does with `location /push/ { proxy_pass http://hub/; }`.

import { once } from 'node:events';
import http from 'node:http';

/** The proxy lives as long as the scene. `strays` are the paths that it was asked for elsewhere: it answers them 404. */
export async function startPrefixProxy(scene, port, prefix) {
  const strays = [];
  const server = http.createServer((request, response) => {
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
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scene.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { origin: `http://127.0.0.1:${server.address().port}`, strays };
}
