// How people put nginx and HAProxy in front of a hub without having read the guide.

import { freePort, nginxWith, startProxy } from './proxy.js';

/** nginx: what stands in `location`, by the name of the way. Where the hub has a name of nginx's own, that is its `Host`. */
export const NGINX_WAYS = {
  'nginx, bare proxy_pass, HTTP/1.0 to the hub': { lines: '' },
  'nginx, Host $host, without the port': { lines: 'proxy_set_header Host $host;' },
  'nginx, Host $host:$server_port': { lines: 'proxy_set_header Host $host:$server_port;' },
  'nginx, HTTP/1.1 to the hub, connections kept': {
    lines: 'proxy_http_version 1.1; proxy_set_header Connection "";',
    upstream: 'backend',
    flags: ['--allowed-host', 'backend'],
  },
};

/** nginx in front of a hub. A `location` other than `/` is cut off from the path. Returns its port. */
export async function startNginx(scene, hub, { lines, upstream }, location = '/') {
  const port = await freePort();
  const address = `127.0.0.1:${hub.port}`;
  const group = upstream ? `upstream ${upstream} { server ${address}; keepalive 4; }` : '';
  const pass = `proxy_pass http://${upstream ?? address}${location === '/' ? '' : '/'};`;
  const server = `server { listen 127.0.0.1:${port}; location ${location} { ${pass} ${lines} } }`;
  await startProxy(scene, 'nginx', port, nginxWith(`${group} ${server}`));
  return port;
}

/** HAProxy with the least that it starts with. Returns its port. */
async function startHaproxy(scene, hub) {
  const port = await freePort();
  const defaults = 'defaults\n mode http\n timeout connect 5s\n timeout client 1m\n timeout server 1m\n';
  const listen = `listen site\n bind 127.0.0.1:${port}\n server hub 127.0.0.1:${hub.port}\n`;
  await startProxy(scene, 'haproxy', port, defaults + listen);
  return port;
}

/** Every way: flags that the hub needs for it, and a function that starts the proxy and returns the URL of the hub. */
export const WAYS = {
  ...Object.fromEntries(
    Object.entries(NGINX_WAYS).map(([name, way]) => [
      name,
      { flags: way.flags ?? [], start: async (scene, hub) => `http://localhost:${await startNginx(scene, hub, way)}` },
    ]),
  ),
  'nginx, below a path': {
    flags: [],
    start: async (scene, hub) => `http://localhost:${await startNginx(scene, hub, { lines: '' }, '/push/')}/push`,
  },
  HAProxy: { flags: [], start: async (scene, hub) => `http://localhost:${await startHaproxy(scene, hub)}` },
};
