// The console where access is given by keys and tokens: it asks for one, keeps it for the tab, and shows what it covers.

import assert from 'node:assert/strict';

import { KEY, startAccessHub, tokenFor } from './access-hub.js';
import { startChromium } from './chromium.js';
import { PHONE, rowWith, shown, visitConsole } from './console-page.js';
import { until } from './deadline.js';
import { scene } from './scene.js';

const panelOf = (page) => page.getByRole('region', { name: 'Key or token' });
const live = (page) => page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
const told = (page, hasText) => page.getByRole('alert').filter({ hasText }).waitFor();

async function enter(page, secret) {
  await panelOf(page).getByLabel('Key or token').fill(secret);
  await panelOf(page).getByRole('button', { name: 'Use' }).click();
}

scene('a stream that is refused asks for a key or token, and shows its events with one', async (scene) => {
  const hub = await startAccessHub(scene);
  await hub.publish('orders/9', 'from before');
  const { page } = await visitConsole(scene, `${hub.url}/events/orders/9`);

  await told(page, 'subscribe does not cover `orders/9`');
  assert.deepEqual(await shown(page), []);
  await enter(page, tokenFor(['orders/*']));
  await live(page);
  await rowWith(page, 'from before').waitFor();
  await hub.publish('orders/9', 'live');
  await rowWith(page, 'live').waitFor();

  assert.equal(await panelOf(page).count(), 0);
  assert.equal(await page.locator('#banner').isVisible(), false);
});

scene('the key or token stays in the tab: it outlasts a reload, and is in no other storage, address, page or line to copy', async (scene) => {
  const hub = await startAccessHub(scene);
  const token = tokenFor(['orders/*']);
  const { page, context } = await visitConsole(scene, `${hub.url}/events/orders/9`);
  const requests = [];
  page.on('request', (request) => requests.push(request.url()));
  await panelOf(page).waitFor();
  await enter(page, token);
  await live(page);

  await page.reload();
  await live(page);
  await page.locator('#access-open').click();

  const { tab, ...elsewhere } = await page.evaluate(() => ({
    tab: { ...sessionStorage },
    local: { ...localStorage },
    cookie: document.cookie,
    page: document.documentElement.outerHTML,
    typed: [...document.querySelectorAll('input, textarea')].map(({ value }) => value),
  }));
  assert.deepEqual(tab, { 'tidings.key': token });
  assert.equal(JSON.stringify([elsewhere, page.url(), requests]).includes(token), false);
  assert.equal(hub.said.includes(token), false);
  const lines = await page.locator('#snippets code').allTextContents();
  assert.deepEqual(lines.map((line) => /\$TIDINGS_TOKEN|EventSource sends no key or token/.test(line)), [true, true, true]);
  const other = await context.newPage();
  await other.goto(`${hub.url}/events/orders/9`);
  await told(other, 'subscribe does not cover `orders/9`');
});

scene('a key or token that is forgotten takes with it what it has shown', async (scene) => {
  const hub = await startAccessHub(scene);
  await hub.publish('orders/9', 'confidential');
  const { page } = await visitConsole(scene, `${hub.url}/events/orders/9`);
  await panelOf(page).waitFor();
  await enter(page, tokenFor(['orders/*']));
  await rowWith(page, 'confidential').waitFor();

  await page.getByRole('button', { name: 'Key or token: one is in use' }).click();
  await panelOf(page).getByRole('button', { name: 'Forget' }).click();
  await told(page, 'subscribe does not cover `orders/9`');

  assert.equal((await page.content()).includes('confidential'), false);
  assert.deepEqual(await page.evaluate(() => Object.keys(sessionStorage)), []);
});

scene('a publish that is refused goes out, once, when there is a key', async (scene) => {
  const hub = await startAccessHub(scene, { subscribe: ['**'] });
  const { page } = await visitConsole(scene, `${hub.url}/events/a`);
  await live(page);
  const form = page.locator('#publish-form');
  await form.getByLabel('Data').fill('with a key');
  await form.getByRole('button', { name: 'Publish' }).click();

  await form.getByText('publish does not cover `a`').waitFor();
  await until('the field has the focus', () => page.evaluate(() => document.activeElement.id === 'access-input'));
  await page.keyboard.type('not a key');
  await page.keyboard.press('Enter');
  await panelOf(page).getByText('This is no key or token').waitFor();
  await panelOf(page).getByLabel('Key or token').fill(KEY);
  await page.keyboard.press('Enter');
  await form.getByText('Published as').waitFor();
  await rowWith(page, 'with a key').waitFor();

  assert.equal((await shown(page)).length, 1);
});

scene('when access ends in the middle of a stream the page says why, and goes on with a fresh token without a loss', async (scene) => {
  const hub = await startAccessHub(scene, {}, '--retry', '4s');
  const { page } = await visitConsole(scene, `${hub.url}/events/a`);
  await panelOf(page).waitFor();
  await enter(page, tokenFor(['a'], { seconds: 4 }));
  await live(page);
  await hub.publish('a', 'before');
  await rowWith(page, 'before').waitFor();

  await told(page, /The stream has ended: .*\. Trying again in/);
  await hub.publish('a', 'meanwhile');
  await told(page, /The hub refused this stream: .*expired/);
  await enter(page, tokenFor(['a']));
  await rowWith(page, 'meanwhile').waitFor();
  await hub.publish('a', 'after');
  await rowWith(page, 'after').waitFor();

  assert.deepEqual(await shown(page), ['after', 'meanwhile', 'before']);
  assert.equal(await page.locator('#list .gap').count(), 0);
});

scene('of several topics the page shows those that are covered, and names the others, in both languages', async (scene) => {
  const hub = await startAccessHub(scene);
  const { page } = await visitConsole(scene, `${hub.url}/events?topic=a&topic=users/7`);
  await panelOf(page).waitFor();
  await enter(page, tokenFor(['a']));

  await told(page, 'Not shown, because it needs another key or token: users/7');
  await live(page);
  await hub.publish('users/7', 'not for this page');
  await hub.publish('a', 'for this page');
  await rowWith(page, 'for this page').waitFor();
  await page.locator('#language').click();

  assert.equal((await shown(page)).length, 1);
  assert.match(await page.locator('#banner').textContent(), /\u4ee4\u724c.*users\/7/);
});

scene('a topic that the token does not cover is refused by its sentence, in both languages', async (scene) => {
  const hub = await startAccessHub(scene);
  const { page } = await visitConsole(scene, `${hub.url}/`);
  await panelOf(page).waitFor();
  await enter(page, tokenFor(['a']));

  await told(page, 'The hub refused this stream: subscribe does not cover `**`');
  await page.locator('#language').click();

  assert.match(await page.locator('#banner').textContent(), /\u4ee4\u724c\u4e0d\u5141\u8bb8.*subscribe does not cover/);
});

scene('on a phone the panel fits the width', async (scene) => {
  const hub = await startAccessHub(scene);
  const browser = await startChromium(scene);
  for (const locale of ['en-US', 'zh-CN']) {
    const phone = { browser, viewport: PHONE, hasTouch: true, isMobile: true, locale };
    const { page, context } = await visitConsole(scene, `${hub.url}/`, phone);
    const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    await page.locator('#access-input').waitFor();
    assert.ok((await overflow()) <= 0, `${locale}: the panel is ${await overflow()} pixels too wide`);
    await context.close();
  }
});
