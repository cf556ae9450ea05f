// One connection for all tabs of a browser, over HTTP/1.1, of which a browser has six to one host.

import assert from 'node:assert/strict';

import { startChromium } from './chromium.js';
import { until } from './deadline.js';
import { startHub } from './hub.js';
import { scene } from './scene.js';
import { openTab, startSharePages, streamsOf } from './share-pages.js';

async function cast(scene, ...flags) {
  const origin = await startSharePages(scene);
  const hub = await startHub(scene, '--cors-origin', origin, ...flags);
  const browser = await startChromium(scene);
  const context = await browser.newContext();
  return { origin, hub, browser, context, events: (path) => new URL(path, hub.url) };
}

const onlyOneStream = (hub) => until('the hub has one stream', async () => (await streamsOf(hub)) === 1);

scene('ten tabs hear everything over one connection', async (scene) => {
  const { origin, hub, context, events } = await cast(scene);
  const tabs = [];
  for (let tab = 0; tab < 10; tab += 1) tabs.push(await openTab(context, origin, events('/events/orders/42')));
  for (const tab of tabs) await tab.isOpen();
  await onlyOneStream(hub);

  const published = [];
  for (let event = 0; event < 20; event += 1) published.push(`event ${event}`) && (await hub.publish('orders/42', `event ${event}`));

  for (const tab of tabs) await tab.hears('event 19');
  for (const tab of tabs) assert.deepEqual(await tab.heard(), published);
  assert.equal(await streamsOf(hub), 1);
});
