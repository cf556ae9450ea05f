// M1: a stream endpoint, and a page from the same server or another one that listens by `new EventSource(url)`.

import assert from 'node:assert/strict';

import { startChromium } from './chromium.js';
import { startHub } from './hub.js';
import { openListener } from './listener.js';
import { cast, scene } from './scene.js';
import { OPENING, openWire } from './wire.js';

const OPEN = 1;

scene('M1 a page and its stream from the same server: onopen and onmessage receive', async (scene) => {
  const hub = await startHub(scene);
  const browser = await startChromium(scene);
  const page = await browser.newPage();
  scene.after(() => page.close());
  await page.goto(`${hub.url}/events/greetings`);
  const answer = page.waitForResponse((response) => response.url().endsWith('?_mine'));
  await page.evaluate(() => {
    const source = new EventSource('/events/greetings?_mine');
    window.opened = new Promise((resolve) => (source.onopen = () => resolve(source.readyState)));
    window.told = new Promise((resolve) => (source.onmessage = ({ data, origin }) => resolve({ data, origin })));
  });
  const opened = await page.evaluate(() => window.opened);

  await hub.publish('greetings', 'hello');

  assert.equal(opened, OPEN);
  assert.deepEqual(await page.evaluate(() => window.told), { data: 'hello', origin: hub.url });
  assert.equal((await answer).status(), 200);
});

scene('M1 the plain page of the articles: onopen once, onmessage for every event, no onerror', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/es`);
  const opens = await listener.opens(1);

  const ids = [await hub.publish('es', 'one'), await hub.publish('es', 'two'), await hub.publish('es', 'three')];

  const message = (data, lastEventId) => ({ by: 'onmessage', type: 'message', data, lastEventId });
  assert.deepEqual(await listener.heard(3), [message('one', ids[0]), message('two', ids[1]), message('three', ids[2])]);
  assert.deepEqual(opens, [OPEN]);
  assert.deepEqual(await listener.errors(0), []);
  assert.deepEqual(await listener.page.locator('li').allTextContents(), ['one', 'two', 'three']);
  assert.deepEqual(listener.console, []);
});

scene('M1 the answer is 200, text/event-stream, not cached, at once, and kept open', async (scene) => {
  const hub = await startHub(scene);

  const wire = await openWire(scene, hub.port, '/events/es', { headers: ['Accept: text/event-stream'] });
  const { status, headers } = await wire.head();
  const opening = await wire.bodyWith('\n\n');
  const id = await hub.publish('es', 'hello');
  const body = await wire.bodyWith('hello\n\n');

  assert.equal(status, 'HTTP/1.1 200 OK');
  assert.equal(headers['content-type'], 'text/event-stream');
  assert.equal(headers['cache-control'], 'no-cache, no-store, no-transform');
  assert.equal(headers['x-accel-buffering'], 'no');
  assert.equal(headers['content-length'], undefined);
  assert.match(opening, OPENING);
  assert.equal(body, `${opening}id: ${id}\ndata: hello\n\n`);
  assert.equal(wire.closed, false);
});
