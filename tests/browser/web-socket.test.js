// A WebSocket in a browser: a page that comes back by itself hears all, publishes, and sees why it was closed. Pages of other
// sites are refused.

import assert from 'node:assert/strict';

import { KEY, startAccessHub, tokenFor } from './access-hub.js';
import { startChromium } from './chromium.js';
import { DEADLINE_MS } from './deadline.js';
import { restartHub, startHub } from './hub.js';
import { startPageServer } from './page-server.js';
import { cast, scene } from './scene.js';

const addressOf = (hub, path) => `${hub.url.replace('http', 'ws')}/events${path}`;

/** Opens the page whose WebSocket reads `url`. */
async function openSocket(scene, browser, origin, url) {
  const page = await browser.newPage();
  scene.after(() => page.close());
  await page.goto(`${origin}/web-socket.html?url=${encodeURIComponent(url)}`);
  return new SocketPage(page);
}

class SocketPage {
  constructor(page) {
    this.page = page;
  }

  /** All documents, once `enough` holds for the list of them. `given` is handed to it. */
  heard(enough, given) {
    return this.#list('heard', `(list, given) => (${enough})(list, given)`, given);
  }

  /** All events, once there are `count`. */
  async events(count) {
    return (await this.heard((list, count) => list.filter(({ id }) => id).length >= count, count)).filter(({ id }) => id);
  }

  /** The answer to the message with this `ref`. */
  async answer(ref) {
    return (await this.heard((list, ref) => list.some((said) => said.ref === ref), ref)).find((said) => said.ref === ref);
  }

  closes(count) {
    return this.#list('closes', '(list, count) => list.length >= count', count);
  }

  opens(count) {
    return this.#list('opens', '(list, count) => list.length >= count', count);
  }

  say(what) {
    return this.page.evaluate((what) => say(what), what);
  }

  async #list(name, enough, given) {
    const look = `((given) => (${enough})(window.${name}, given) && window.${name})(${JSON.stringify(given)})`;
    return (await this.page.waitForFunction(look, undefined, { polling: 20, timeout: DEADLINE_MS })).jsonValue();
  }
}

scene('a page hears every event once, in order, over a drain and a crash of the hub, and sees which it was', async (scene) => {
  const pages = await startPageServer(scene);
  const flags = ['--cors-origin', pages.origin, '--drain-window', '0s'];
  let hub = await startHub(scene, ...flags);
  const browser = await startChromium(scene);
  const socket = await openSocket(scene, browser, pages.origin, addressOf(hub, '?topic=orders/*&topic=news'));
  assert.deepEqual(await socket.opens(1), ['tidings.v1']);
  await hub.publish('orders/1', '1', { event: 'paid', id: 'chosen & "quoted" \u00e9' });
  await socket.events(1);

  for (const end of ['stop', 'kill']) {
    await hub[end]();
    hub = await restartHub(scene, hub.directory, ...flags, '--listen', `127.0.0.1:${hub.port}`);
    // Some are published before the page has come back, or none: it is all the same.
    for (const data of ['2', '3']) await hub.publish('news', `${end} ${data}`);
    await hub.publish('other', 'not asked for');
    await socket.events(end === 'stop' ? 3 : 5);
  }
  await hub.publish('orders/2', 'last');

  const events = await socket.events(6);
  assert.deepEqual(
    events.map(({ topic, type, data }) => [topic, type, data]),
    [
      ['orders/1', 'paid', '1'],
      ['news', 'message', 'stop 2'],
      ['news', 'message', 'stop 3'],
      ['news', 'message', 'kill 2'],
      ['news', 'message', 'kill 3'],
      ['orders/2', 'message', 'last'],
    ],
  );
  assert.ok(!(await socket.heard(() => true)).some(({ gap }) => gap));
  const [drained, ...later] = await socket.closes(2);
  assert.deepEqual(drained, { code: 4000, clean: true });
  // While the hub is away the page may have tried several times.
  assert.deepEqual(new Set(later.map(({ code }) => code)), new Set([1006]));
});

scene('a page and the hub compress what they say to each other', async (scene) => {
  const { pages, hub, browser } = await cast(scene, '--compression');
  const socket = await openSocket(scene, browser, pages.origin, addressOf(hub, '/a'));
  await socket.opens(1);
  const large = JSON.stringify(Array.from({ length: 9_000 }, (_, id) => ({ id, status: 'open' })));

  await hub.publish('a', 'small');
  await hub.publish('a', large);
  await socket.events(2);
  await socket.say({ publish: { topic: 'a', data: `own ${large}` }, ref: 'own' });
  assert.ok((await socket.answer('own')).published);

  assert.deepEqual((await socket.events(3)).map(({ data }) => data), ['small', large, `own ${large}`]);
  assert.match(await socket.page.evaluate(() => window.socket.extensions), /^permessage-deflate\b/);
  const metrics = await (await fetch(`${hub.url}/metrics`)).text();
  assert.match(metrics, /^tidings_deflated_events_total 2$/m);
});

scene('a page is told the place and the time to come back before a drain closes it', async (scene) => {
  const { pages, hub, browser } = await cast(scene, '--drain-window', '0s');
  const socket = await openSocket(scene, browser, pages.origin, addressOf(hub, '/a'));
  const id = await hub.publish('a', 'one');
  await socket.events(1);

  await hub.stop();

  const farewell = (await socket.heard((list) => list.some(({ retry_ms }) => retry_ms !== undefined))).at(-1);
  assert.equal(farewell.cursor, id);
  assert.equal(typeof farewell.retry_ms, 'number');
  assert.deepEqual((await socket.closes(1))[0], { code: 4000, clean: true });
});

scene('a page publishes with refs, is answered by them, and hears what it published', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const socket = await openSocket(scene, browser, pages.origin, addressOf(hub, '/a'));
  await socket.opens(1);

  await socket.say({ publish: { topic: 'a', data: 'one \ud83d\ude80\n\u2028', type: 'kind', id: 'mine' }, ref: 7 });
  await socket.say({ publish: { topic: 'a', data: 'two', key: 'k' }, ref: 'text' });
  await socket.say({ publish: { topic: 'a', data: 'two', key: 'k' }, ref: 8 });
  await socket.say({ publish: { topic: 'tidings/x', data: '' }, ref: 9 });
  await socket.say({ subscribe: ['b/*'], ref: 10 });

  assert.deepEqual((await socket.answer(7)).published, { id: 'mine' });
  const { id } = (await socket.answer('text')).published;
  const again = await socket.answer(8);
  assert.deepEqual([again.published.id, again.published.replayed ?? again.replayed], [id, true]);
  assert.equal((await socket.answer(9)).error.type, 'urn:tidings:problem:reserved-topic');
  assert.deepEqual((await socket.answer(10)).ok.sort(), ['a', 'b/*']);
  await hub.publish('b/1', 'three');
  const events = await socket.events(3);
  assert.deepEqual(events.map(({ id, topic, type, data }) => [id, topic, type, data]).slice(0, 2), [
    ['mine', 'a', 'kind', 'one \ud83d\ude80\n\u2028'],
    [id, 'a', 'message', 'two'],
  ]);
  assert.equal(events[2].topic, 'b/1');
});

scene('pages of another site, and of no site, are refused, though the browser asks nobody before', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const other = await startPageServer(scene);
  const url = addressOf(hub, '/a?since=earliest');
  await hub.publish('a', 'secret');

  const allowed = await openSocket(scene, browser, pages.origin, url);
  const refused = await openSocket(scene, browser, other.origin, url);
  const nowhere = await browser.newPage();
  scene.after(() => nowhere.close());
  await nowhere.goto('data:text/html,<p>');
  const code = await nowhere.evaluate((url) => new Promise((resolve) => (new WebSocket(url).onclose = ({ code }) => resolve(code))), url);

  await allowed.events(1);
  const closes = await refused.closes(2);
  assert.deepEqual([closes[0].code, closes[1].code, code], [1006, 1006, 1006]);
  assert.deepEqual([await refused.opens(0), await refused.heard(() => true)], [[], []]);
  assert.match(hub.said, /origin/);
});

scene('a page sees by the code that its access has ended, and that it has said what the hub does not take', async (scene) => {
  const hub = await startAccessHub(scene);
  const browser = await startChromium(scene);
  const page = await browser.newPage();
  scene.after(() => page.close());
  await page.goto(`${hub.url}/console/transports.html`);
  /** Connects by a ticket for `token`, says `first`, and returns what it was told, and the close. */
  const run = (token, first) =>
    page.evaluate(
      async ([address, token, first]) => {
        const answer = await fetch('/tickets', { method: 'POST', headers: { Authorization: `Bearer ${token}` } });
        const { ticket } = await answer.json();
        const socket = new WebSocket(`${address}?ticket=${encodeURIComponent(ticket)}`);
        const told = [];
        socket.onmessage = ({ data }) => told.push(JSON.parse(data));
        socket.onopen = () => first === 'binary' && socket.send(new Uint8Array(3));
        return new Promise((resolve) => (socket.onclose = ({ code }) => resolve({ code, problems: told.flatMap(({ error }) => error?.type ?? []) })));
      },
      [addressOf(hub, '/a'), token, first],
    );

  assert.deepEqual(await run(tokenFor(['a'], { seconds: 2 })), { code: 4100, problems: ['urn:tidings:problem:invalid-credentials'] });
  assert.equal((await run(KEY, 'binary')).code, 1003);
});
