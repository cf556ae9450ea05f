// M4: named events are heard by addEventListener(name) alone, never by onmessage.

import assert from 'node:assert/strict';

import { openListener } from './listener.js';
import { cast, scene } from './scene.js';

const NAMES = ['ping', 'action', 'timeMessage', 'connecttime'];

scene('M4 a named event is heard by addEventListener of that name and not by onmessage', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/es`, { on: NAMES });
  await listener.opens(1);

  for (const name of NAMES) await hub.publish('es', `{"name": "${name}"}`, { event: name, id: name });
  await hub.publish('es', 'unnamed', { id: 'last' });

  assert.deepEqual(await listener.heard(5), [
    ...NAMES.map((name) => ({ by: 'addEventListener', type: name, data: `{"name": "${name}"}`, lastEventId: name })),
    { by: 'onmessage', type: 'message', data: 'unnamed', lastEventId: 'last' },
  ]);
});

scene('M4 a name that nobody listens for is heard by nobody, yet its id counts', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/es`, { on: ['ping'] });
  await listener.opens(1);

  await hub.publish('es', 'unheard', { event: 'Ping', id: '1' });
  await hub.publish('es', 'unheard', { event: 'pings', id: '2' });
  await hub.publish('es', 'heard', { event: 'ping', id: '3' });

  assert.deepEqual(await listener.heard(1), [{ by: 'addEventListener', type: 'ping', data: 'heard', lastEventId: '3' }]);
});

scene('M4 the name `message` is onmessage, and any text may be a name', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const name = '\u6d88\u606f \u{1f514}: a name';
  const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/es`, { on: [name] });
  await listener.opens(1);

  await hub.publish('es', 'one', { event: 'message', id: '1' });
  await hub.publish('es', 'two', { event: name, id: '2' });

  assert.deepEqual(await listener.heard(2), [
    { by: 'onmessage', type: 'message', data: 'one', lastEventId: '1' },
    { by: 'addEventListener', type: name, data: 'two', lastEventId: '2' },
  ]);
});

scene('M4 an event type that begins with `tidings.` is the hub\u2019s own and refused', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const on = ['tidings.gap'];
  const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/es`, { on });
  await listener.opens(1);

  const answer = await hub.post('es', 'forged', { event: 'tidings.gap' });
  await hub.publish('es', 'true', { id: '1' });

  assert.equal(answer.status, 400);
  assert.deepEqual(await listener.heard(1), [{ by: 'onmessage', type: 'message', data: 'true', lastEventId: '1' }]);
});
