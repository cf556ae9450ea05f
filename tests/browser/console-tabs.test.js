// Many tabs of one browser over HTTP/1.1, where they share six connections.

import assert from 'node:assert/strict';

import { startChromium } from './chromium.js';
import { holdConnections, setHidden, streamsOf } from './connections.js';
import { fillAndPublish, openConsole, rowWith, shown } from './console-page.js';
import { until } from './deadline.js';
import { startHub } from './hub.js';
import { scene } from './scene.js';

const phaseOf = (page) => page.locator('#phase-word').textContent();
const phasesOf = (pages) => Promise.all(pages.map(phaseOf));

scene('nine tabs are live over one connection, each publishes, and the others go on when some are closed', async (scene) => {
  const hub = await startHub(scene);
  const browser = await startChromium(scene);
  const context = await browser.newContext({ locale: 'en-US' });
  const pages = [];
  for (let tab = 0; tab < 9; tab += 1) pages.push((await openConsole(scene, `${hub.url}/`, { context })).page);

  await until('one stream is open', async () => (await streamsOf(hub)) === 1);
  for (const [tab, page] of pages.entries()) await fillAndPublish(page, { topic: 'a', data: `from tab ${tab}` });
  for (const page of pages) await rowWith(page, 'from tab 8').waitFor();
  for (const page of pages.splice(0, 3)) await page.close();
  await hub.publish('a', 'from outside');

  for (const page of pages) await rowWith(page, 'from outside').waitFor();
  for (const page of pages) assert.equal((await shown(page)).length, 10);
  await until('all are live', async () => (await phasesOf(pages)).every((phase) => phase === 'Live'));
  await until('one stream is open', async () => (await streamsOf(hub)) === 1);
});

// Over plain http browsers have nothing by which tabs could share, except on localhost.
scene('on another host without https a tab that nobody looks at leaves its connection, and misses nothing', async (scene) => {
  const hub = await startHub(scene, '--allowed-host', 'hub.test');
  const browser = await startChromium(scene, ['--host-resolver-rules=MAP hub.test 127.0.0.1']);
  const context = await browser.newContext({ locale: 'en-US' });
  const address = `http://hub.test:${hub.port}/events/a`;
  const pages = [];
  for (let tab = 0; tab < 8; tab += 1) {
    const { page } = await openConsole(scene, address, { context });
    if (pages.length > 0) await setHidden(pages.at(-1), true);
    pages.push(page);
  }
  assert.equal(await pages[0].evaluate(() => navigator.locks), undefined);
  await until('one stream is open', async () => (await streamsOf(hub)) === 1);

  await hub.publish('a', 'meanwhile');
  await rowWith(pages[7], 'meanwhile').waitFor();
  await setHidden(pages[7], true);
  await setHidden(pages[0], false);

  await rowWith(pages[0], 'meanwhile').waitFor();
  assert.equal(await phaseOf(pages[0]), 'Live');
  assert.equal(await pages[0].locator('#banner').isVisible(), false);
});

scene('where other pages hold all connections, a publish says why it waits, and goes through when one is free', async (scene) => {
  const hub = await startHub(scene);
  const browser = await startChromium(scene);
  const context = await browser.newContext({ locale: 'en-US' });
  const { page } = await openConsole(scene, `${hub.url}/`, { context });
  const other = await holdConnections(context, hub);

  await page.locator('#publish-form').getByLabel('Data').fill('patience');
  await page.locator('#publish-form').getByRole('button', { name: 'Publish' }).click();
  await page.locator('.outcome').filter({ hasText: 'Over HTTP/1.1 a browser opens only six connections to a host' }).waitFor();
  await other.evaluate(() => window.sources.pop().close());

  await page.getByText('Published as').waitFor();
  await rowWith(page, 'patience').waitFor();
});

scene('where other pages hold all connections but its own, a tab still goes from page to page', async (scene) => {
  const hub = await startHub(scene);
  const browser = await startChromium(scene);
  const context = await browser.newContext({ locale: 'en-US' });
  const { page } = await openConsole(scene, `${hub.url}/`, { context });
  await holdConnections(context, hub);

  await page.locator('#go-to').fill('a/b');
  await page.locator('#go-to').press('Enter');

  await page.waitForURL(`${hub.url}/events/a/b`);
  await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
});

// The new tab stayed blank: nothing of it can say why.
scene('where other pages hold all connections but one, a tab that nobody looks at leaves it to a new one', async (scene) => {
  const hub = await startHub(scene);
  const browser = await startChromium(scene);
  const context = await browser.newContext({ locale: 'en-US' });
  const { page } = await openConsole(scene, `${hub.url}/`, { context });
  const other = await holdConnections(context, hub);

  await setHidden(page, true);
  const { page: next } = await openConsole(scene, `${hub.url}/events/a`, { context });

  await next.getByRole('status').filter({ hasText: 'Live' }).waitFor();
  assert.equal(await streamsOf(hub), 6);

  await other.evaluate(() => window.sources.pop().close());
  await hub.publish('a', 'meanwhile');
  await setHidden(page, false);
  await rowWith(page, 'meanwhile').waitFor();
});
