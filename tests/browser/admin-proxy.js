// A proxy before the hub that answers what is below `/admin/` from a list of the test's own: connections of many users.

import { startOrigin } from './origin.js';
import { passOn } from './pass-on.js';

/** The proxy lives as long as the scene. `asked` are the requests, `disconnected` the connections that were ended. */
export async function startAdminProxy(scene, port, { key, connections }) {
  const proxy = { connections, asked: [], disconnected: [] };
  const origin = await startOrigin(scene, (request, response) => {
    if (!request.url.startsWith('/admin/')) return passOn(request, response, port);
    proxy.asked.push(request.url);
    if (request.headers.authorization !== `Bearer ${key}`) return answer(response, 403, { title: 'Forbidden' });
    if (request.method === 'POST') return end(proxy, request, response);
    const url = new URL(request.url, 'http://hub.test');
    const after = proxy.connections.findIndex(({ id }) => id === url.searchParams.get('after')) + 1;
    const page = proxy.connections.slice(after, after + Number(url.searchParams.get('limit')));
    answer(response, 200, { connections: page, more: after + page.length < proxy.connections.length });
  });
  return Object.assign(proxy, { origin });
}

async function end(proxy, request, response) {
  const pieces = await request.toArray();
  const { connection } = JSON.parse(Buffer.concat(pieces));
  proxy.disconnected.push(connection);
  proxy.connections = proxy.connections.filter(({ id }) => id !== connection);
  answer(response, 200, { disconnected: 1 });
}

function answer(response, status, document) {
  response.writeHead(status, { 'Content-Type': status === 200 ? 'application/json' : 'application/problem+json' });
  response.end(JSON.stringify(document));
}
