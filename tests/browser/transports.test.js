// The other transports in a browser: polls and envelopes under a plain EventSource, lines of JSON by fetch, and the iframe.

import assert from 'node:assert/strict';

import { startChromium } from './chromium.js';
import { DEADLINE_MS } from './deadline.js';
import { restartHub, startHub } from './hub.js';
import { openListener } from './listener.js';
import { startPageServer } from './page-server.js';
import { cast, scene } from './scene.js';

const HOSTILE = '</script><script>parent.postMessage("ran", "*")</script><!--<script>\u2028\u2029\u0000&"\'\r\n]]>';

/** Opens the page that frames `url`. */
async function openFrame(scene, browser, origin, url) {
  const page = await browser.newPage();
  scene.after(() => page.close());
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  await page.goto(`${origin}/iframe.html?url=${encodeURIComponent(url)}`);
  const heard = async (count) => {
    const enough = (count) => window.heard.length >= count && window.heard;
    const list = await page.waitForFunction(enough, count, { polling: 20, timeout: DEADLINE_MS });
    return (await list.jsonValue()).map(({ data }) => data);
  };
  return { page, said, heard };
}

const framed = (hub, topic, origin, rest = '') => `${hub.url}/events/${topic}?mode=iframe&origin=${origin}${rest}`;

for (const mode of ['poll', 'long-poll']) {
  scene(`an EventSource on mode=${mode} hears all, by id, over a restart of the hub`, async (scene) => {
    const pages = await startPageServer(scene);
    const browser = await startChromium(scene);
    const flags = ['--cors-origin', pages.origin, '--retry', '100ms'];
    const first = await startHub(scene, ...flags);
    await first.publish('a', 'before', { id: 'zero' });
    const listener = await openListener(scene, browser, pages.origin, `${first.url}/events/a?mode=${mode}&since=earliest`);
    await listener.heard(1);

    for (const data of ['1', '2']) await first.publish('a', data, { id: `id-${data}` });
    await listener.heard(3);
    await first.stop();
    // While it is away an EventSource comes back, and what is published before it has is not lost.
    const again = await restartHub(scene, first.directory, ...flags, '--listen', `127.0.0.1:${first.port}`);
    for (const data of ['3', '4']) await again.publish('a', data, { id: `id-${data}` });

    const heard = await listener.heard(5);
    assert.deepEqual(heard.map(({ data }) => data), ['before', '1', '2', '3', '4']);
    assert.deepEqual(heard.map(({ lastEventId }) => lastEventId), ['zero', 'id-1', 'id-2', 'id-3', 'id-4']);
  });
}

scene('an EventSource on a pattern knows topic and type by its envelope', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/orders/*?envelope=json`);
  await listener.opens(1);

  await hub.publish('orders/1', 'a', { event: 'paid', id: 'x' });
  await hub.publish('orders/2', 'b\nc', { id: 'y' });

  const heard = await listener.heard(2);
  const told = heard.map(({ by, data }) => [by, JSON.parse(data)]).map(([by, { id, topic, type, data }]) => [by, id, topic, type, data]);
  assert.deepEqual(told, [
    ['onmessage', 'x', 'orders/1', 'paid', 'a'],
    ['onmessage', 'y', 'orders/2', 'message', 'b\nc'],
  ]);
});

scene('a page reads lines of JSON by fetch, each as it is published', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const page = await browser.newPage();
  await page.goto(`${pages.origin}/listener.html?url=about:blank`);
  await page.evaluate(async (url) => {
    window.lines = [];
    const answer = await fetch(url, { headers: { Accept: 'application/x-ndjson' } });
    const read = async () => {
      let rest = '';
      for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split('\n');
        rest = lines.pop();
        window.lines.push(...lines.map((line) => JSON.parse(line)));
      }
    };
    void read();
  }, `${hub.url}/events/a`);
  const events = async (count) => {
    const enough = (count) => window.lines.filter((line) => line.id).length >= count && window.lines;
    return (await page.waitForFunction(enough, count, { polling: 20, timeout: DEADLINE_MS })).jsonValue();
  };

  await hub.publish('a', 'one');
  await events(1);
  await hub.publish('a', '\u2028 "two"\n');

  const lines = await events(2);
  assert.equal(typeof lines[0].heartbeat_ms, 'number');
  assert.deepEqual(lines.filter((line) => line.id).map((line) => line.data), ['one', '\u2028 "two"\n']);
});

scene('an iframe passes each event to its page when it is published, and nothing of it runs', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const frame = await openFrame(scene, browser, pages.origin, framed(hub, 'a', pages.origin));
  const [first] = await frame.heard(1);

  await hub.publish('a', HOSTILE, { id: 'one' });
  await frame.heard(2);
  await hub.publish('a', 'x'.repeat(300_000), { id: 'two' });
  await hub.publish('a', 'last', { id: 'three', event: 'paid' });

  const heard = await frame.heard(4);
  assert.equal(typeof first.cursor, 'string');
  assert.deepEqual(heard.slice(1).map(({ id, type }) => [id, type]), [['one', 'message'], ['two', 'message'], ['three', 'paid']]);
  assert.equal(heard[1].data, HOSTILE);
  assert.equal(heard[2].data.length, 300_000);
  assert.deepEqual(frame.said, []);
  // The document does not grow.
  const nodes = await frame.page.frames()[1].evaluate(() => document.body.childNodes.length);
  assert.equal(nodes, 0);
});

scene('a page of another origin hears nothing of a frame that is for an allowed one, and is refused in its own name', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const other = await startPageServer(scene);

  const stolen = await openFrame(scene, browser, other.origin, framed(hub, 'a', pages.origin, '&since=earliest'));
  const own = await openFrame(scene, browser, other.origin, framed(hub, 'a', other.origin, '&since=earliest'));
  const allowed = await openFrame(scene, browser, pages.origin, framed(hub, 'a', pages.origin, '&since=earliest'));
  await hub.publish('a', 'secret');

  await allowed.heard(2);
  assert.deepEqual([await stolen.heard(0), await own.heard(0)], [[], []]);
  assert.match(stolen.said.join('\n'), /frame-ancestors/);
  assert.match(own.said.join('\n'), /403/);
});

scene('an iframe tells its page of a refusal, and of an end with the place to go on from', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const refused = await openFrame(scene, browser, pages.origin, framed(hub, 'a', pages.origin, '&since=x'));
  const frame = await openFrame(scene, browser, pages.origin, framed(hub, 'a', pages.origin));
  await frame.heard(1);

  const id = await hub.publish('a', 'one');
  await frame.heard(2);
  await hub.stop();

  assert.deepEqual([(await refused.heard(1))[0].error.type], ['urn:tidings:problem:bad-since']);
  const last = (await frame.heard(3))[2];
  assert.equal(last.cursor, id);
  assert.equal(typeof last.retry_ms, 'number');
});
