// M6: `retry` sets the reconnection delay in milliseconds; what is not an integer is ignored; the default is about 3 s.

import assert from 'node:assert/strict';

import { until } from './deadline.js';
import { openListener } from './listener.js';
import { startPageServer } from './page-server.js';
import { startRelay } from './relay.js';
import { cast, scene } from './scene.js';

// Timers of a browser on a busy machine are late, never early.
const LATE_MS_MAX = 1_500;
const DEADLINE_MS = 20_000;

/** Drops the connection and returns the time until the browser asks again. */
async function reconnectionDelay(relay) {
  const before = relay.requests.length;
  const dropped_ms = performance.now();
  relay.drop();
  await until('the browser asks again', () => relay.requests.length > before, DEADLINE_MS);
  return relay.requests[before].at_ms - dropped_ms;
}

function assertAbout(delay_ms, expected_ms) {
  assertBetween(delay_ms, expected_ms, expected_ms);
}

function assertBetween(delay_ms, least_ms, most_ms) {
  const about = delay_ms >= least_ms - 5 && delay_ms < most_ms + LATE_MS_MAX;
  assert.ok(about, `came back after ${delay_ms} ms instead of ${least_ms} to ${most_ms} ms`);
}

scene('M6 a published retry of 100, 6000 or 10000 is the delay; without one it is 3000 to 6000', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const delays = [undefined, 100, 6_000, 10_000].map(async (retry) => {
    const relay = await startRelay(scene, hub.port);
    const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/retry-${retry}`);
    await listener.opens(1);
    await hub.publish(`retry-${retry}`, 'hello', { retry });
    await listener.heard(1);
    return reconnectionDelay(relay);
  });

  const [unset, short, six, ten] = await Promise.all(delays);

  // The hub spreads its own, so that clients do not come back together.
  assertBetween(unset, 3_000, 6_000);
  assertAbout(short, 100);
  assertAbout(six, 6_000);
  assertAbout(ten, 10_000);
});

scene('M6 the server\u2019s own retry is the delay where the publisher set none', async (scene) => {
  const { pages, hub, browser } = await cast(scene, '--retry', '1s');
  const relay = await startRelay(scene, hub.port);
  const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/es`);
  await listener.opens(1);
  await hub.publish('es', 'hello');
  await listener.heard(1);

  assertBetween(await reconnectionDelay(relay), 1_000, 2_000);
});

scene('M6 a retry that is not an integer is refused by the hub with 400', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/es`);
  await listener.opens(1);
  const wrong = ['soon', '1.5', '-1', '+1', '1e3', '', ' 5', '\uff15', '99999999999999999999'];

  const answers = await Promise.all(wrong.map((retry) => hub.post('es', 'refused', { retry })));
  await hub.publish('es', 'taken', { retry: '03000', id: '1' });

  assert.deepEqual(answers.map((answer) => answer.status), wrong.map(() => 400));
  for (const answer of answers) assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  assert.deepEqual(await listener.data(1), ['taken']);
});

scene('M6 a retry line in a published stream that is not an integer is ignored, as the standard says', async (scene) => {
  const { pages, hub, browser } = await cast(scene, '--retry', '1s');
  const relay = await startRelay(scene, hub.port);
  const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/es`);
  await listener.opens(1);

  const body = 'retry: soon\ndata: one\nid: 1\n\n';
  const answer = await hub.post('es', body, {}, { 'Content-Type': 'text/event-stream' });

  assert.ok(answer.ok, String(answer.status));
  assert.deepEqual(await listener.data(1), ['one']);
  assert.ok(!relay.crossings[0].down.includes('soon'), relay.crossings[0].down);
  assertBetween(await reconnectionDelay(relay), 1_000, 2_000);
});

scene('M6 a browser that is sent a wrong retry as it stands keeps its default of about 3 s', async (scene) => {
  const asked_ms = [];
  const wrong = 'retry: 100.5\nretry: soon\nretry: +100\nretry: 100 ms\ndata: hello\n\n';
  const pages = await startPageServer(scene, {
    '/naive': (_, response) => {
      asked_ms.push(performance.now());
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end(wrong);
    },
  });
  const { browser } = await cast(scene);

  await openListener(scene, browser, pages.origin, '/naive');
  await until('the browser asks again', () => asked_ms.length === 2, DEADLINE_MS);

  assertAbout(asked_ms[1] - asked_ms[0], 3_000);
});
