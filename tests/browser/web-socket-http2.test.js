// A WebSocket over HTTP/2 in a browser: on the connection that loaded the page, because the hub's settings say that it may be opened there.

import assert from 'node:assert/strict';

import { startChromium } from './chromium.js';
import { until } from './deadline.js';
import { startHub } from './hub.js';
import { scene } from './scene.js';

scene('a browser opens its WebSockets on the HTTP/2 connection of the page', async (scene) => {
  const hub = await startHub(scene, '--memory', '--tls-self-signed');
  const browser = await startChromium(scene, ['--ignore-certificate-errors']);
  const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  const devtools = await page.context().newCDPSession(page);
  const statuses = [];
  devtools.on('Network.webSocketHandshakeResponseReceived', ({ response }) => statuses.push(response.status));
  await devtools.send('Network.enable');
  await page.goto(`${hub.url}/healthz`);

  const heard = await page.evaluate(async () => {
    const heard = [];
    const open = () => new Promise((resolve, reject) => {
      const socket = new WebSocket(`wss://${location.host}/events/a`, 'tidings.v1');
      socket.onerror = () => reject(new Error('a socket does not open'));
      // The first message tells the place: what is published from then on comes.
      socket.onmessage = () => resolve(socket);
    });
    const [one, two] = [await open(), await open()];
    const done = new Promise((resolve) => {
      two.onmessage = ({ data }) => JSON.parse(data).data && resolve(heard.push(JSON.parse(data).data));
    });
    one.send(JSON.stringify({ publish: { topic: 'a', data: 'over HTTP/2' } }));
    await done;
    const closed = new Promise((resolve) => (one.onclose = ({ code, wasClean }) => resolve([one.protocol, code, wasClean])));
    one.close(1000);
    return [...heard, ...(await closed)];
  });

  assert.deepEqual(heard, ['over HTTP/2', 'tidings.v1', 1000, true]);
  // RFC 8441: 200, and over HTTP/1.1 it would be 101.
  await until('both handshakes are seen', () => statuses.length === 2);
  assert.deepEqual(statuses, [200, 200]);
});
