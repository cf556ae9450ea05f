// `tidings relay` from servers that are not ours to a hub: whole and in order, over cuts, and over its own end.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { until } from '../browser/deadline.js';
import { startHub } from '../browser/hub.js';
import { startRelay } from '../browser/relay.js';
import { ORIGINS } from './origins.js';
import { start } from './program.js';

/** The data of all events of a topic. */
async function dataOf(hub, topic) {
  const answer = await fetch(`${hub.url}/events/${topic}?limit=1000`, { headers: { Accept: 'application/json' } });
  return (await answer.json()).events.map((event) => event.data);
}

const numbers = (from, to) => Array.from({ length: to - from }, (_, n) => String(from + n));
const shown = (origin, list) => list.map((data) => origin.shown(data));

for (const [name, startOrigin] of Object.entries(ORIGINS)) {
  test(`${name}: what is published there is published here, over cuts`, { timeout: 60_000 }, async (t) => {
    const origin = await startOrigin(t);
    const hub = await startHub(t, '--memory');
    const wire = await startRelay(t, origin.port);
    const relay = start(t, 'relay', `${wire.url}${origin.path}`, `${hub.url}/events/copy`, '--retry', '50');
    await relay.said('listening to');

    for (const number of numbers(0, 200)) {
      await origin.publish(number);
      if (Number(number) % 50 === 25) wire.drop();
    }

    await until('all are here', async () => (await dataOf(hub, 'copy')).length >= 200);
    assert.deepEqual(await dataOf(hub, 'copy'), shown(origin, numbers(0, 200)));
    assert.ok(wire.crossings.length > 1, 'it was never cut');
  });

  test(`${name}: a relay that was away goes on where it was`, { timeout: 60_000 }, async (t) => {
    const origin = await startOrigin(t);
    const hub = await startHub(t, '--memory');
    const args = ['relay', `http://127.0.0.1:${origin.port}${origin.path}`, `${hub.url}/events/copy`];
    const first = start(t, ...args);
    await first.said('listening to');
    for (const number of numbers(0, 20)) await origin.publish(number);
    await until('those are here', async () => (await dataOf(hub, 'copy')).length === 20);

    await first.kill();
    for (const number of numbers(20, 40)) await origin.publish(number);
    const second = start(t, ...args);
    await second.said('going on after');
    await until('the rest is here', async () => (await dataOf(hub, 'copy')).length >= 40);

    assert.deepEqual(await dataOf(hub, 'copy'), shown(origin, numbers(0, 40)));
    assert.equal(await second.stop(), 0);
  });

  test(`${name}: many watch here what one watches there`, { timeout: 60_000 }, async (t) => {
    const origin = await startOrigin(t);
    const hub = await startHub(t, '--memory');
    const wire = await startRelay(t, origin.port);
    const relay = start(t, 'relay', `${wire.url}${origin.path}`, `${hub.url}/events/copy`);
    await relay.said('listening to');
    const subs = Array.from({ length: 20 }, () => start(t, 'sub', `${hub.url}/events/copy`, '--json', '--count', '3'));
    await Promise.all(subs.map((sub) => sub.said('"open"')));

    for (const data of ['a', 'b', 'c']) await origin.publish(data);

    const expected = shown(origin, ['a', 'b', 'c']);
    for (const sub of subs) assert.deepEqual((await sub.json(3)).map((event) => event.data), expected);
    assert.equal(wire.crossings.length, 1);
  });
}
