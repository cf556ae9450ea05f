// Compressed streams in a browser, which asks for gzip by itself: each event is there at once.

import assert from 'node:assert/strict';

import { openListener } from './listener.js';
import { cast, scene } from './scene.js';

const EVENTS = ['small', JSON.stringify(Array.from({ length: 60 }, (_, id) => ({ id, status: 'open' }))), 'x', 'y'.repeat(300_000), 'last'];

scene('an EventSource hears each compressed event at once, and goes on by id', async (scene) => {
  const { pages, hub, browser } = await cast(scene, '--compression', '--heartbeat', '1h');
  const codings = [];
  const context = await browser.newContext();
  scene.after(() => context.close());
  context.on('response', (answer) => answer.url().includes('/events/a') && codings.push(answer.headers()['content-encoding']));
  const listener = await openListener(scene, context, pages.origin, `${hub.url}/events/a`);
  await listener.opens(1);

  for (const [number, event] of EVENTS.entries()) {
    await hub.publish('a', event, { id: `id-${number}` });
    await listener.heard(number + 1);
  }

  const heard = await listener.heard(EVENTS.length);
  assert.deepEqual(heard.map(({ data, lastEventId }) => [data, lastEventId]), EVENTS.map((event, number) => [event, `id-${number}`]));
  assert.deepEqual(codings, ['gzip']);
});

for (const mode of ['poll', 'long-poll']) {
  scene(`an EventSource on mode=${mode} hears compressed answers`, async (scene) => {
    const { pages, hub, browser } = await cast(scene, '--compression', '--retry', '100ms');
    const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/a?mode=${mode}&since=earliest`);

    for (const [number, event] of EVENTS.entries()) {
      await hub.publish('a', event);
      await listener.heard(number + 1);
    }

    assert.deepEqual((await listener.heard(EVENTS.length)).map(({ data }) => data), EVENTS);
  });
}
