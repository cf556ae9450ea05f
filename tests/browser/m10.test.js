// M10: CORS. Which other origins may read, publish, and come with credentials; by default none.

import assert from 'node:assert/strict';

import { startChromium } from './chromium.js';
import { startHub } from './hub.js';
import { openListener } from './listener.js';
import { startPageServer } from './page-server.js';
import { startRelay } from './relay.js';
import { cast, scene } from './scene.js';

const CLOSED = 2;
const REFUSED_BY_CORS = /blocked by CORS policy/;

/** What a page gets from `fetch`: the status, or the word `refused`. */
const fetchFrom = (page, url, init) =>
  page.evaluate(([url, init]) => fetch(url, init).then(({ status }) => status, () => 'refused'), [url, init]);

async function eventsOf(hub, topic) {
  const answer = await fetch(`${hub.url}/events/${topic}`, { headers: { accept: 'application/json' } });
  return JSON.stringify(await answer.json());
}

scene('M10 by default another origin cannot read', async (scene) => {
  const hub = await startHub(scene);
  const pages = await startPageServer(scene);
  const browser = await startChromium(scene);

  const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/es`);

  assert.deepEqual(await listener.errors(1), [CLOSED]);
  assert.deepEqual(await listener.opens(0), []);
  assert.match(listener.console.join('\n'), REFUSED_BY_CORS);
});

scene('M10 by default another origin cannot publish either, not even with a request that needs no preflight', async (scene) => {
  const hub = await startHub(scene);
  const pages = await startPageServer(scene);
  const browser = await startChromium(scene);
  const { page } = await openListener(scene, browser, pages.origin, 'about:blank');

  const simple = { method: 'POST', body: 'forged', headers: { 'Content-Type': 'text/plain' }, mode: 'no-cors' };
  await fetchFrom(page, `${hub.url}/events/es`, simple);
  await fetchFrom(page, `${hub.url}/events/es`, { method: 'POST', body: 'forged', headers: { 'Content-Type': 'application/json' } });
  await hub.publish('es', 'genuine', { id: '1' });

  const events = await eventsOf(hub, 'es');
  assert.ok(events.includes('genuine') && !events.includes('forged'), events);
});

scene('M10 an allowed origin reads, and another one still does not', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const strangers = await startPageServer(scene);
  const allowed = await openListener(scene, browser, pages.origin, `${hub.url}/events/es`);
  await allowed.opens(1);

  const stranger = await openListener(scene, browser, strangers.origin, `${hub.url}/events/es`);
  assert.deepEqual(await stranger.errors(1), [CLOSED]);
  await hub.publish('es', 'hello', { id: '1' });

  assert.deepEqual(await allowed.data(1), ['hello']);
  assert.deepEqual(await stranger.heard(0), []);
  assert.match(stranger.console.join('\n'), REFUSED_BY_CORS);
});

scene('M10 each of several allowed origins is named to itself alone', async (scene) => {
  const [one, two] = [await startPageServer(scene), await startPageServer(scene)];
  const hub = await startHub(scene, '--cors-origin', one.origin, '--cors-origin', two.origin);
  const browser = await startChromium(scene);
  const relay = await startRelay(scene, hub.port);

  for (const { origin } of [one, two]) {
    const listener = await openListener(scene, browser, origin, `${relay.url}/events/es`);
    await listener.opens(1);
  }

  const named = relay.crossings.map(({ down }) => /^access-control-allow-origin: (.*)\r$/im.exec(down)?.[1]);
  assert.deepEqual(named, [one.origin, two.origin]);
  for (const { down } of relay.crossings) assert.match(down, /^vary:.*\borigin\b/im);
});

scene('M10 an allowed origin comes with its cookies where the page says withCredentials, and without them where not', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const relay = await startRelay(scene, hub.port);
  const context = await browser.newContext();
  scene.after(() => context.close());
  await context.addCookies([{ name: 'session', value: 'abc', url: relay.url }]);

  for (const credentials of [true, false]) {
    const listener = await openListener(scene, context, pages.origin, `${relay.url}/events/es`, { credentials });
    await listener.opens(1);
  }

  const cookies = relay.requests.map(({ head }) => /^cookie: (.*)$/im.exec(head)?.[1]);
  assert.deepEqual(cookies, ['session=abc', undefined]);
  assert.match(relay.crossings[0].down, /^access-control-allow-credentials: true\r$/im);
});

scene('M10 on request `*` lets every origin read, without credentials', async (scene) => {
  const hub = await startHub(scene, '--cors-origin', '*');
  const [one, two] = [await startPageServer(scene), await startPageServer(scene)];
  const browser = await startChromium(scene);
  const listeners = [];
  for (const { origin } of [one, two]) {
    listeners.push(await openListener(scene, browser, origin, `${hub.url}/events/es`));
    await listeners.at(-1).opens(1);
  }

  await hub.publish('es', 'hello', { id: '1' });

  for (const listener of listeners) assert.deepEqual(await listener.data(1), ['hello']);
});

scene('M10 with `*` a page that comes withCredentials is refused: no origin is ever reflected', async (scene) => {
  const hub = await startHub(scene, '--cors-origin', '*');
  const pages = await startPageServer(scene);
  const browser = await startChromium(scene);
  const relay = await startRelay(scene, hub.port);

  const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/es`, { credentials: true });

  assert.deepEqual(await listener.errors(1), [CLOSED]);
  assert.match(relay.crossings[0].down, /^access-control-allow-origin: \*\r$/im);
  assert.match(listener.console.join('\n'), REFUSED_BY_CORS);
});

scene('M10 an allowed origin publishes with fetch, preflight included', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/es`);
  await listener.opens(1);
  const post = (body, headers) => fetchFrom(listener.page, `${hub.url}/events/es`, { method: 'POST', body, headers });

  const statuses = [
    await post('simple', { 'Content-Type': 'text/plain' }),
    await post('{"json": true}', { 'Content-Type': 'application/json' }),
    await post('once', { 'Content-Type': 'text/plain', 'Idempotency-Key': 'k1' }),
    await post('once', { 'Content-Type': 'text/plain', 'Idempotency-Key': 'k1' }),
  ];
  await hub.publish('es', 'last');

  assert.ok(statuses.every((status) => status === 200 || status === 201), statuses.join());
  assert.deepEqual(await listener.data(4), ['simple', '{"json": true}', 'once', 'last']);
});
