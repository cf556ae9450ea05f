// M9: content negotiation. The same URL gives an EventSource the stream and a person a page; an unknown path is 404.

import assert from 'node:assert/strict';

import { startChromium } from './chromium.js';
import { startHub } from './hub.js';
import { scene } from './scene.js';

const CLOSED = 2;

scene('M9 a navigation gets the page, and an EventSource of the same URL the stream', async (scene) => {
  const hub = await startHub(scene);
  const browser = await startChromium(scene);
  const page = await browser.newPage();
  scene.after(() => page.close());

  const navigation = await page.goto(`${hub.url}/events/news`);
  const stream = page.waitForResponse((response) => response.request().headers().accept === 'text/event-stream');
  await page.evaluate(() => {
    const source = new EventSource(location.href);
    window.opened = new Promise((resolve) => (source.onopen = resolve));
    window.told = new Promise((resolve) => (source.onmessage = (event) => resolve(event.data)));
  });
  await page.evaluate(() => window.opened.then(() => {}));
  await hub.publish('news', 'hello');

  assert.equal(navigation.status(), 200);
  assert.match(navigation.headers()['content-type'], /^text\/html\b/);
  assert.match(navigation.headers().vary ?? '', /\baccept\b/i);
  assert.equal(await page.evaluate(() => window.told), 'hello');
  assert.equal((await stream).headers()['content-type'], 'text/event-stream');
});

scene('M9 the Accept header decides: stream, page or history; curl gets the stream', async (scene) => {
  const hub = await startHub(scene);
  await hub.publish('news', 'hello', { id: '1' });

  const typeFor = async (accept) => {
    const leave = new AbortController();
    const answer = await fetch(`${hub.url}/events/news`, { headers: { accept }, signal: leave.signal });
    leave.abort();
    return [answer.status, answer.headers.get('content-type').split(';')[0]];
  };

  assert.deepEqual(await typeFor('text/event-stream'), [200, 'text/event-stream']);
  assert.deepEqual(await typeFor('*/*'), [200, 'text/event-stream']);
  assert.deepEqual(await typeFor('text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'), [200, 'text/html']);
  assert.deepEqual(await typeFor('application/json'), [200, 'application/json']);
  assert.deepEqual(await typeFor('image/png'), [406, 'application/problem+json']);
});

scene('M9 an unknown path is 404 for a navigation, and ends an EventSource for good', async (scene) => {
  const hub = await startHub(scene);
  const browser = await startChromium(scene);
  const page = await browser.newPage();
  scene.after(() => page.close());

  const unknown = await page.goto(`${hub.url}/no/such/path`);
  await page.goto(`${hub.url}/`);
  const readyState = await page.evaluate(() => {
    const source = new EventSource('/no/such/path');
    return new Promise((resolve) => (source.onerror = () => resolve(source.readyState)));
  });

  assert.equal(unknown.status(), 404);
  assert.equal(readyState, CLOSED);
});
