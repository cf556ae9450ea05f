// A compressed stream behind proxies that are configured for nothing but passing requests on.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';

import { until } from '../browser/deadline.js';
import { startHub } from '../browser/hub.js';
import { scene } from '../browser/scene.js';
import { freePort, nginxWith, startProxy } from './proxy.js';

const CONFIGURATIONS = {
  nginx: (port, hub) => nginxWith(`server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${hub.port}; } }`),
  haproxy: (port, hub) => `
    defaults
      mode http
      timeout connect 5s
      timeout client 1h
      timeout server 1h
    listen site
      bind 127.0.0.1:${port}
      server hub 127.0.0.1:${hub.port}
`,
};

const EVENTS = ['small', JSON.stringify(Array.from({ length: 60 }, (_, id) => ({ id, status: 'open' }))), 'x', 'last'];

for (const [name, configuration] of Object.entries(CONFIGURATIONS)) {
  scene(`${name} as it is by default hands on each compressed event at once`, async (scene) => {
    const hub = await startHub(scene, '--compression', '--heartbeat', '1h');
    const port = await freePort();
    await startProxy(scene, name, port, configuration(port, hub));
    const request = http.get(`http://127.0.0.1:${port}/events/a`, { headers: { 'accept-encoding': 'gzip' } });
    scene.after(() => request.destroy());
    const [answer] = await once(request, 'response');
    assert.equal(answer.headers['content-encoding'], 'gzip');
    answer.on('error', () => {});
    const lines = [];
    createInterface({ input: answer.pipe(createGunzip()) }).on('line', (line) => lines.push(line));
    await until('the stream is open', () => lines.includes('event: tidings.open'));

    for (const event of EVENTS) {
      await hub.publish('a', event);
      await until(`${event.slice(0, 20)} is heard`, () => lines.includes(`data: ${event}`));
    }
  });
}
