// nginx and HAProxy with and without what holds answers back, and with less patience than a stream has silence.

import { freePort, nginxWith, startProxy } from './proxy.js';

const WEB_SOCKET = 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $upgrade; proxy_set_header Host $http_host;';
const MAP = 'map $http_upgrade $upgrade { default upgrade; "" ""; }';

function nginx(lines, socket_apart = false) {
  return async (scene, hub) => {
    const port = await freePort();
    const pass = `proxy_pass http://127.0.0.1:${hub.port}; ${lines}`;
    const locations = socket_apart
      ? `location / { if ($http_upgrade) { return 418; } error_page 418 = @socket; proxy_set_header Host $http_host; ${pass} }
         location @socket { ${WEB_SOCKET} ${pass} }`
      : `location / { ${WEB_SOCKET} ${pass} }`;
    await startProxy(scene, 'nginx', port, nginxWith(`${MAP} server { listen 127.0.0.1:${port}; ${locations} }`));
    return `http://localhost:${port}`;
  };
}

function haproxy({ defaults = '', backend = '', server = '1m' }) {
  return async (scene, hub) => {
    const port = await freePort();
    const lines = [
      'defaults',
      ' mode http',
      ' timeout connect 5s',
      ' timeout client 1m',
      ` timeout server ${server}`,
      ` timeout tunnel ${server}`,
      ` ${defaults}`,
      'listen site',
      ` bind 127.0.0.1:${port}`,
      ` ${backend}`,
      ` server hub 127.0.0.1:${hub.port}`,
      '',
    ];
    await startProxy(scene, 'haproxy', port, lines.join('\n'));
    return `http://localhost:${port}`;
  };
}

/** By the name of the way: how it is started, and whether it holds back answers that do not end. */
export const BUFFERING_WAYS = {
  'nginx, proxy_buffering on, the hub\u2019s X-Accel-Buffering obeyed': { start: nginx('proxy_buffering on;') },
  // Over HTTP/1.1 nginx 1.22 passes each chunk on all the same, over HTTP/1.0 it fills a buffer first.
  'nginx, X-Accel-Buffering ignored, HTTP/1.1 to the hub': {
    start: nginx('proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;'),
  },
  'nginx, X-Accel-Buffering ignored, HTTP/1.0 to the hub': {
    start: nginx('proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;', true),
    holds: true,
  },
  'nginx, gzip on': { start: nginx('gzip on; gzip_types *; gzip_min_length 0;') },
  'nginx, gzip on, X-Accel-Buffering ignored': {
    start: nginx('gzip on; gzip_types *; gzip_min_length 0; proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;'),
    holds: true,
  },
  'nginx, proxy_buffering off': { start: nginx('proxy_buffering off; proxy_ignore_headers X-Accel-Buffering;') },
  'HAProxy': { start: haproxy({}) },
  'HAProxy, option http-no-delay': { start: haproxy({ defaults: 'option http-no-delay' }) },
  'HAProxy, option http-buffer-request': { start: haproxy({ defaults: 'option http-buffer-request' }) },
  'HAProxy, http-response wait-for-body': {
    // Not for the answer that begins a WebSocket, which has no body.
    start: haproxy({ backend: 'http-response wait-for-body time 30s unless { status 101 }', server: '2m' }),
    holds: true,
  },
};

/** Proxies that cut a connection after two seconds of silence, by name. */
export const CUTTING_WAYS = {
  'nginx, proxy_read_timeout 2s': nginx('proxy_read_timeout 2s;'),
  'HAProxy, timeout server 2s': haproxy({ server: '2s' }),
};
