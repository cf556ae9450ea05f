// M5, again and again: a connection that drops as soon as an event has gone down on it.

import assert from 'node:assert/strict';

import { until } from './deadline.js';
import { openListener } from './listener.js';
import { startRelay } from './relay.js';
import { cast, scene } from './scene.js';

/** Drops the newest connection as soon as an event has gone down on it, again and again. */
async function dropTimes(relay, times) {
  for (let n = 0; n < times; n++) {
    await until('an event is down', () => relay.crossings.length > n && relay.crossings.at(-1).down.includes('\ndata: '));
    relay.drop();
    await until('the browser is back', () => !relay.crossings.at(-1).ended);
  }
}

scene('M5 twenty drops while events are published: no loss, no repeat, no reorder', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const relay = await startRelay(scene, hub.port, { delay_ms: 3 });
  const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/es`);
  await listener.opens(1);
  const dropped = dropTimes(relay, 20);
  let over = false;
  const watched = dropped.finally(() => (over = true));

  const published = [];
  while (!over) {
    const data = `event ${published.length + 1}`;
    // Each says so again, for every new connection begins with the hub's own retry.
    await hub.publish('es', data, { retry: 1 });
    published.push(data);
  }
  await watched;

  assert.deepEqual(await listener.data(published.length), published);
  assert.ok(relay.requests.length > 20, `${relay.requests.length} connections`);
});
