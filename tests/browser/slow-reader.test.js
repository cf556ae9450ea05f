// A reader that stops reading: nobody else waits for it, and it misses nothing when it reads on.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';

import { openListener } from './listener.js';
import { cast, scene } from './scene.js';

const EVENTS = 200;
// All of them are more than the sockets on both sides take: the hub cannot get rid of them.
const DATA = 'x'.repeat(65_536);

scene('a page hears every event while another reader has stopped, which then reads on and misses nothing', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const url = `${hub.url}/events/es`;
  const request = http.get(url);
  scene.after(() => request.destroy());
  // Nobody reads an answer that has not been asked for its data.
  const [answer] = await once(request, 'response');
  const listener = await openListener(scene, browser, pages.origin, url);
  await listener.opens(1);
  const expected = Array.from({ length: EVENTS }, (_, n) => `${n + 1} ${DATA}`);

  for (const data of expected) await hub.publish('es', data);

  assert.deepEqual(await listener.data(EVENTS), expected);
  assert.equal(answer.readableFlowing, null);

  const last = `data: ${expected.at(-1)}\n\n`;
  let text = '';
  for await (const piece of answer.setEncoding('utf8')) {
    text += piece;
    if (text.endsWith(last)) break;
  }
  const heard = [...text.matchAll(/^data: (\d+ x+)$/gm)].map(([, data]) => data);
  assert.deepEqual(heard, expected);
});
