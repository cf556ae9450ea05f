// A hub ends and starts again, killed or asked to: a page that was watching has every acknowledged event, once and in
// order; and where the events are gone for good, it is told.

import assert from 'node:assert/strict';

import { restartHub } from './hub.js';
import { openListener } from './listener.js';
import { startRelay } from './relay.js';
import { cast, scene } from './scene.js';

const CRASHES = 5;
const EVENTS_PER_LIFE = 60;

/** Publishes one event after the other until the hub dies under it. */
async function publishUntilItDies(hub, events, acknowledged) {
  for (const data of events) {
    try {
      await hub.publish('es', data, { retry: 50 });
    } catch {
      return data;
    }
    acknowledged.push(data);
  }
  return null;
}

scene('kill -9 and restart: the page resumes with all acknowledged events, none twice, in order', async (scene) => {
  const { pages, hub: first, browser } = await cast(scene);
  const relay = await startRelay(scene, first.port);
  const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/es`, { on: ['tidings.gap'] });
  await listener.opens(1);
  const acknowledged = [];
  const doubtful = [];

  let hub = first;
  for (let life = 0; life < CRASHES; life++) {
    const events = Array.from({ length: EVENTS_PER_LIFE }, (_, n) => `life ${life} event ${n}`);
    const before = acknowledged.length;
    const publishing = publishUntilItDies(hub, events, acknowledged);
    await listener.heard(before + EVENTS_PER_LIFE / 3);
    await hub.kill();
    const unanswered = await publishing;
    if (unanswered !== null) doubtful.push(unanswered);
    hub = await restartHub(scene, first.directory, '--cors-origin', pages.origin);
    relay.to(hub.port);
  }
  await hub.publish('es', 'the last');
  acknowledged.push('the last');
  await listener.page.waitForFunction(() => window.listener.heard.at(-1)?.data === 'the last', null, { polling: 20 });

  const heard = await listener.heard(acknowledged.length);
  const messages = heard.map((event) => event.data);
  assert.deepEqual(messages.filter((data) => !doubtful.includes(data)), acknowledged);
  // An event whose answer was lost may be there, at its place and once.
  for (const data of doubtful) assert.ok(messages.filter((other) => other === data).length <= 1, data);
  assert.deepEqual(heard.filter((event) => event.type === 'tidings.gap'), []);
  assert.ok(relay.requests.length > CRASHES);
});

scene('kill -9 and restart: a page that joins afterwards reads it all from the beginning', async (scene) => {
  const { pages, hub: first, browser } = await cast(scene);
  const events = Array.from({ length: 50 }, (_, n) => `event ${n}`);
  for (const data of events) await first.publish('es', data);

  await first.kill();
  const hub = await restartHub(scene, first.directory, '--cors-origin', pages.origin);
  const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/es?since=earliest`);

  assert.deepEqual(await listener.data(50), events);
});

scene('SIGTERM and restart: the hub ends in good order, the page comes back by itself and misses nothing', async (scene) => {
  const { pages, hub: first, browser } = await cast(scene);
  const relay = await startRelay(scene, first.port);
  const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/es`);
  await listener.opens(1);
  for (const data of ['one', 'two']) await first.publish('es', data);
  await listener.heard(2);

  const ended = await first.stop();
  const hub = await restartHub(scene, first.directory, '--cors-origin', pages.origin);
  await hub.publish('es', 'three');
  relay.to(hub.port);
  await listener.opens(2);
  await hub.publish('es', 'four');

  assert.deepEqual(ended, { code: 0, signal: null });
  assert.deepEqual(await listener.data(4), ['one', 'two', 'three', 'four']);
});

scene('a hub that kept its events in memory alone and starts again says so: the page hears a gap, then what is there', async (scene) => {
  const { pages, hub: first, browser } = await cast(scene, '--memory');
  const relay = await startRelay(scene, first.port);
  const on = ['tidings.gap'];
  const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/es`, { on });
  await listener.opens(1);
  const id = await first.publish('es', 'one', { retry: 50 });
  await listener.heard(1);

  await first.kill();
  const hub = await restartHub(scene, first.directory, '--memory', '--cors-origin', pages.origin);
  await hub.publish('es', 'two');
  relay.to(hub.port);

  const [one, gap, two] = await listener.heard(3);
  assert.deepEqual([one.data, gap.type, two.data], ['one', 'tidings.gap', 'two']);
  const { requested, reason } = JSON.parse(gap.data);
  assert.deepEqual({ requested, reason }, { requested: id, reason: 'other-epoch' });
});
