// M7: heartbeat comments keep an idle connection warm through proxies that close silent ones.

import assert from 'node:assert/strict';

import { until } from './deadline.js';
import { openListener } from './listener.js';
import { startRelay } from './relay.js';
import { cast, scene } from './scene.js';

const CONNECTING = 0;
const IDLE_MS = 3_000;

const heartbeats = (relay) => relay.crossings[0].down.match(/^:.*\n/gm).length - 1;

scene('M7 with a heartbeat an idle connection outlives the proxy\u2019s time-out several times, without an error', async (scene) => {
  const { pages, hub, browser } = await cast(scene, '--heartbeat', '1s');
  const relay = await startRelay(scene, hub.port, { idle_ms: IDLE_MS });
  const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/es`);
  await listener.opens(1);
  const opened_ms = performance.now();

  const idle = () => performance.now() - opened_ms > 3 * IDLE_MS && heartbeats(relay) > 3;
  await until('the connection has been idle for three time-outs', idle);
  await hub.publish('es', 'still here');

  assert.deepEqual(await listener.data(1), ['still here']);
  assert.deepEqual(await listener.errors(0), []);
  assert.deepEqual(listener.console, []);
  assert.equal(relay.requests.length, 1, 'it is the same connection');
});

scene('M7 without one in time the same proxy cuts it: ERR_INCOMPLETE_CHUNKED_ENCODING and an error event', async (scene) => {
  const { pages, hub, browser } = await cast(scene, '--heartbeat', '60s');
  const relay = await startRelay(scene, hub.port, { idle_ms: IDLE_MS });
  const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/es`);
  await listener.opens(1);

  assert.deepEqual(await listener.errors(1), [CONNECTING]);

  assert.match(listener.console.join('\n'), /ERR_INCOMPLETE_CHUNKED_ENCODING/);
});

scene('M7 the heartbeat is on by default, and the opening says every 15 s', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const relay = await startRelay(scene, hub.port);
  const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/es`);
  await listener.opens(1);
  const opened_ms = performance.now();

  await until('a heartbeat has come', () => heartbeats(relay) > 0, 25_000);

  const after_ms = performance.now() - opened_ms;
  assert.ok(after_ms > 10_000 && after_ms < 16_500, `${after_ms} ms`);
  assert.match(relay.crossings[0].down, /^: heartbeat 15000\n/m);
  assert.deepEqual(await listener.errors(0), []);
});
