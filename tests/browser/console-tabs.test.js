// Many tabs of one browser over HTTP/1.1, where they share six connections.

import assert from 'node:assert/strict';

import { startChromium } from './chromium.js';
import { fillAndPublish, openConsole, rowWith } from './console-page.js';
import { until } from './deadline.js';
import { startHub } from './hub.js';
import { scene } from './scene.js';

const phaseOf = (page) => page.locator('#phase-word').textContent();
const phasesOf = (pages) => Promise.all(pages.map(phaseOf));

/** Another page, with streams on five of the six connections that it shares with the console. */
async function holdConnections(context, hub) {
  const page = await context.newPage();
  await page.goto(`${hub.url}/healthz`);
  await page.evaluate(() => (window.sources = [1, 2, 3, 4, 5].map((number) => new EventSource(`/events/other/${number}`))));
  await page.waitForFunction(() => window.sources.every((source) => source.readyState === EventSource.OPEN));
  return page;
}

/** Tells a page that nobody looks at it, or that somebody does again: without a screen, a browser shows all of its tabs. */
function setHidden(page, hidden) {
  return page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
}

scene('nine tabs load, the newest are live, the others say why they are not, and each publishes', async (scene) => {
  const hub = await startHub(scene);
  const browser = await startChromium(scene);
  const context = await browser.newContext({ locale: 'en-US' });
  const pages = [];
  for (let tab = 0; tab < 9; tab += 1) pages.push((await openConsole(scene, `${hub.url}/`, { context })).page);

  await until('four tabs are live', async () => (await phasesOf(pages)).filter((phase) => phase === 'Live').length === 4);
  assert.deepEqual(await phasesOf(pages), [...Array(5).fill('Resting'), ...Array(4).fill('Live')]);
  assert.match(await pages[0].locator('#banner').textContent(), /over HTTP\/1\.1 a browser opens only six connections/);
  for (const [tab, page] of pages.entries()) await fillAndPublish(page, { topic: 'a', data: `from tab ${tab}` });
  await rowWith(pages[8], 'from tab 0').waitFor();

  await pages[0].getByRole('button', { name: 'Go live here' }).click();
  await rowWith(pages[0], 'from tab 8').waitFor();
  await until('the oldest of the live ones rests', async () => (await phaseOf(pages[5])) === 'Resting');

  for (const page of pages.slice(6)) await page.close();
  await until('as many tabs are live as may be', async () => (await phasesOf(pages.slice(0, 6))).filter((phase) => phase === 'Live').length === 4);
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
  assert.equal(await phaseOf(page), 'Resting');

  await other.evaluate(() => window.sources.pop().close());
  await setHidden(page, false);
  await until('the first tab is live again', async () => (await phaseOf(page)) === 'Live');
  await other.evaluate(() => window.sources.pop().close());
  const asked = page.waitForResponse('**/healthz');
  await setHidden(page, true);
  await asked;
  assert.equal(await phaseOf(page), 'Live');
});
