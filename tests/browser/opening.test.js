// How a stream begins and ends: a page hears where it stands, loses nothing over a crash, and takes a last line for what it is.

import assert from 'node:assert/strict';

import { startChromium } from './chromium.js';
import { until } from './deadline.js';
import { startLives } from './lives.js';
import { openListener } from './listener.js';
import { startPageServer } from './page-server.js';
import { cast, scene } from './scene.js';

const EVENT_STREAM = { 'Content-Type': 'text/event-stream' };
// Timers of a browser on a busy machine are late, never early.
const LATE_MS_MAX = 1_500;

scene('a page that listens for it hears at once where the stream begins, and onmessage does not', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const before_ms = Date.now();
  const url = `${hub.url}/events/es`;
  const listener = await openListener(scene, browser, pages.origin, url, { on: ['tidings.open'] });

  const [open, ...others] = await listener.heard(1);
  const id = await hub.publish('es', 'hello');
  const [, hello] = await listener.heard(2);

  const told = JSON.parse(open.data);
  assert.deepEqual([open.by, open.lastEventId, told.heartbeat_ms], ['addEventListener', told.cursor, 15_000]);
  const late_ms = Date.parse(told.time) - before_ms;
  assert.ok(late_ms > -1_000 && late_ms < 60_000, told.time);
  assert.deepEqual(others, []);
  assert.deepEqual(hello, { by: 'onmessage', type: 'message', data: 'hello', lastEventId: id });
});

scene('a page that shows what it publishes gets no echo, also when its stream begins with events', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  await hub.publish('rooms/7', 'before');
  const url = `${hub.url}/events/rooms/7?last=50&opening=always`;
  const [own, other] = await Promise.all([0, 0].map(() => openListener(scene, browser, pages.origin, url, { on: ['tidings.open', 'tidings.cursor'] })));

  const [open, before] = await own.heard(2);
  await other.heard(2);
  const { connection } = JSON.parse(open.data);
  const said = await hub.post('rooms/7', 'own', { except: connection });
  const { id } = await said.json();
  await own.heard(3);
  await hub.publish('rooms/7', 'after');

  const dataOf = (heard) => heard.map(({ type, data }) => (type === 'message' ? data : type));
  assert.deepEqual([open.type, before.data, said.status], ['tidings.open', 'before', 201]);
  assert.deepEqual(dataOf(await other.heard(4)), ['tidings.open', 'before', 'own', 'after']);
  const heard = await own.heard(4);
  assert.deepEqual(dataOf(heard), ['tidings.open', 'before', 'tidings.cursor', 'after']);
  assert.equal(heard[2].lastEventId, id, 'it comes back after its own event');
});

scene('a page that has heard no event goes on after a crash where it was', async (scene) => {
  const pages = await startPageServer(scene);
  const lives = await startLives(scene, '--cors-origin', pages.origin);
  const browser = await startChromium(scene);
  const url = `${lives.url}/events?topic=orders/*`;
  const listener = await openListener(scene, browser, pages.origin, url, { on: ['tidings.gap'] });
  await listener.opens(1);
  await lives.attended(1);

  await lives.end('SIGKILL');
  await lives.begin({ away: 3 });

  const message = ({ data, id }) => ({ by: 'onmessage', type: 'message', data, lastEventId: id });
  assert.deepEqual(await listener.heard(3), lives.published.map(message));
});

scene('a retry without a blank line is taken, before the end and in the lines of the first block', async (scene) => {
  const asked_ms = [];
  const bodies = [': heartbeat 15000\nretry: 700\n', ': heartbeat 15000\nretry: 60000\nid: 1\ndata: one\n\n:\n:\nretry: 200\n', ''];
  const pages = await startPageServer(scene, {
    '/ends': (_, response) => {
      asked_ms.push(performance.now());
      response.writeHead(200, EVENT_STREAM).end(bodies[asked_ms.length - 1]);
    },
  });
  const { browser } = await cast(scene);

  const listener = await openListener(scene, browser, pages.origin, '/ends');
  await until('the browser asks for the third time', () => asked_ms.length === 3, 20_000);

  const delays = [asked_ms[1] - asked_ms[0], asked_ms[2] - asked_ms[1]];
  assert.ok(delays[0] >= 695 && delays[0] < 700 + LATE_MS_MAX, `${delays}`);
  assert.ok(delays[1] >= 195 && delays[1] < 200 + LATE_MS_MAX, `${delays}`);
  assert.deepEqual(await listener.data(1), ['one']);
});
