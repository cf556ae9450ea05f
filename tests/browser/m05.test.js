// M5: ids show as lastEventId; after a drop the browser sends Last-Event-ID and the hub restores the stream from there.

import assert from 'node:assert/strict';

import { until } from './deadline.js';
import { openListener } from './listener.js';
import { startRelay } from './relay.js';
import { cast, scene } from './scene.js';

const CONNECTING = 0;
const OPEN = 1;
// A drop costs the browser this long before it comes back, instead of three seconds.
const SOON = { retry: 50 };

const numbered = (from, to) => Array.from({ length: to - from + 1 }, (_, n) => `event ${from + n}`);

/** The Last-Event-ID of every request for the stream, null where there was none. */
function lastEventIds(relay) {
  return relay.requests.map(({ head }) => {
    const sent = /^last-event-id: (.*)$/im.exec(head);
    return sent && Buffer.from(sent[1], 'latin1').toString('utf8');
  });
}

scene('M5 the ids 369 and msg1 show as lastEventId', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/es`);
  await listener.opens(1);

  const ids = [await hub.publish('es', 'a', { id: '369' }), await hub.publish('es', 'b', { id: 'msg1' })];

  assert.deepEqual(ids, ['369', 'msg1']);
  assert.deepEqual(await listener.heard(2), [
    { by: 'onmessage', type: 'message', data: 'a', lastEventId: '369' },
    { by: 'onmessage', type: 'message', data: 'b', lastEventId: 'msg1' },
  ]);
});

scene('M5 after a drop the browser sends Last-Event-ID and the stream goes on without loss or repeat', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const relay = await startRelay(scene, hub.port);
  const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/es`);
  await listener.opens(1);
  await hub.publish('es', 'event 1', { id: '369' });
  await hub.publish('es', 'event 2', { id: 'msg1', ...SOON });
  await listener.heard(2);

  relay.cut();
  await listener.errors(1);
  for (const data of numbered(3, 30)) await hub.publish('es', data);
  relay.heal();
  await listener.heard(30);
  for (const data of numbered(31, 40)) await hub.publish('es', data);

  assert.deepEqual(await listener.data(40), numbered(1, 40));
  assert.deepEqual(lastEventIds(relay), [null, 'msg1']);
  assert.deepEqual(await listener.opens(2), [OPEN, OPEN]);
  const errors = await listener.errors(1);
  assert.deepEqual(errors, errors.map(() => CONNECTING), 'the browser never gave up');
});

scene('M5 the hub\u2019s own ids resume as well as a publisher\u2019s', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const relay = await startRelay(scene, hub.port);
  const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/es`);
  await listener.opens(1);
  await hub.publish('es', 'event 1');
  const id = await hub.publish('es', 'event 2', SOON);
  await listener.heard(2);

  relay.cut();
  await listener.errors(1);
  for (const data of numbered(3, 10)) await hub.publish('es', data);
  relay.heal();

  assert.deepEqual(await listener.data(10), numbered(1, 10));
  assert.deepEqual(lastEventIds(relay), [null, id]);
});

scene('M5 an id of any text comes back as the same UTF-8 bytes and resumes', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const relay = await startRelay(scene, hub.port);
  const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/es`);
  await listener.opens(1);
  const id = '\u6d88\u606f/1 \u{1f4ec}';
  await hub.publish('es', 'event 1', { id, ...SOON });
  await listener.heard(1);

  relay.cut();
  await listener.errors(1);
  await hub.publish('es', 'event 2', { id: '2' });
  relay.heal();

  assert.deepEqual(await listener.heard(2), [
    { by: 'onmessage', type: 'message', data: 'event 1', lastEventId: id },
    { by: 'onmessage', type: 'message', data: 'event 2', lastEventId: '2' },
  ]);
  assert.deepEqual(lastEventIds(relay), [null, id]);
});

scene('M5 a cut in the middle of an event shows no half of it, and all of it after', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const relay = await startRelay(scene, hub.port);
  const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/es`);
  await listener.opens(1);
  await hub.publish('es', 'event 1', { id: '1', ...SOON });
  await listener.heard(1);

  const cut = relay.cutAfter('data: the first line\ndata: the sec');
  await hub.publish('es', 'the first line\nthe second line', { id: '2' });
  await cut;
  await listener.errors(1);
  relay.heal();

  assert.deepEqual(await listener.heard(2), [
    { by: 'onmessage', type: 'message', data: 'event 1', lastEventId: '1' },
    { by: 'onmessage', type: 'message', data: 'the first line\nthe second line', lastEventId: '2' },
  ]);
  assert.deepEqual(lastEventIds(relay), [null, '1']);
});

scene('M5 a page that was cut off before its first event misses nothing since it joined', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const relay = await startRelay(scene, hub.port);
  await hub.publish('es', 'before it joined', { id: 'before' });
  const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/es`);
  await listener.opens(1);
  const opening = await until('the opening block is down', () => /^id: (.+)\n/m.exec(relay.crossings[0].down));

  relay.cut();
  await listener.errors(1);
  for (const data of numbered(1, 5)) await hub.publish('es', data);
  relay.heal();

  assert.deepEqual(await listener.data(5), numbered(1, 5));
  assert.deepEqual(lastEventIds(relay), [null, opening[1]]);
});

for (const [query, from] of [['since=earliest', 1], ['last=2', 1], ['last_event_id=1', 2], ['lastEventId=1', 2]]) {
  scene(`M5 a page that began with ?${query} goes on after a drop and does not begin again`, async (scene) => {
    const { pages, hub, browser } = await cast(scene);
    const relay = await startRelay(scene, hub.port);
    await hub.publish('es', 'event 1', { id: '1' });
    await hub.publish('es', 'event 2', { id: '2', ...SOON });
    const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/es?${query}`);
    await listener.heard(3 - from);

    relay.drop();
    await listener.opens(2);
    await hub.publish('es', 'event 3');

    assert.deepEqual(await listener.data(4 - from), numbered(from, 3));
    assert.deepEqual(lastEventIds(relay), [null, '2']);
  });
}

scene('M5 one Last-Event-ID resumes several topics and a pattern', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const relay = await startRelay(scene, hub.port);
  const url = `${relay.url}/events?topic=news&topic=orders/*`;
  const listener = await openListener(scene, browser, pages.origin, url);
  await listener.opens(1);
  await hub.publish('orders/42', 'event 1', { id: 'o1', ...SOON });
  await listener.heard(1);

  relay.cut();
  await listener.errors(1);
  await hub.publish('news', 'event 2', { id: 'n1' });
  await hub.publish('elsewhere', 'not asked for', { id: 'e1' });
  await hub.publish('orders/43', 'event 3', { id: 'o2' });
  await hub.publish('orders/43/lines', 'not asked for', { id: 'o3' });
  await hub.publish('news', 'event 4', { id: 'n2' });
  relay.heal();

  const message = (data, lastEventId) => ({ by: 'onmessage', type: 'message', data, lastEventId });
  assert.deepEqual(await listener.heard(4), [
    message('event 1', 'o1'),
    message('event 2', 'n1'),
    message('event 3', 'o2'),
    message('event 4', 'n2'),
  ]);
  assert.deepEqual(lastEventIds(relay), [null, 'o1']);
});

scene('M5 an id that the hub never gave is a gap that the page hears, and the stream goes on', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  await hub.publish('es', 'event 1', { id: '1' });
  await hub.publish('es', 'event 2', { id: '2' });
  const url = `${hub.url}/events/es?last_event_id=never-given`;

  const listener = await openListener(scene, browser, pages.origin, url, { on: ['tidings.gap'] });
  const [gap, ...events] = await listener.heard(3);

  assert.deepEqual({ ...gap, data: null }, { by: 'addEventListener', type: 'tidings.gap', data: null, lastEventId: gap.lastEventId });
  assert.match(gap.data, /never-given/);
  assert.equal(typeof JSON.parse(gap.data), 'object');
  assert.deepEqual(events.map(({ data, lastEventId }) => [data, lastEventId]), [['event 1', '1'], ['event 2', '2']]);
});
