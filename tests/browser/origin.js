// An origin: a server of node on a port of its own, which ends with its scene.

import { once } from 'node:events';
import http from 'node:http';

/** Answers requests with `answer` until the scene ends. Returns the origin, such as `http://127.0.0.1:40000`. */
export async function startOrigin(scene, answer) {
  const server = http.createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scene.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${server.address().port}`;
}
