// The console where access is given by keys and tokens: it asks for one, keeps it for the tab, and shows what it covers.

import assert from 'node:assert/strict';

import { KEY, startAccessHub, tokenFor } from './access-hub.js';
import { startAdminProxy } from './admin-proxy.js';
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
  const { page } = await visitConsole(scene, `${hub.url}/events/orders/9`);
  await panelOf(page).waitFor();
  await enter(page, tokenFor(['a']));

  await told(page, 'The hub refused this stream: subscribe does not cover `orders/9`');
  await page.locator('#language').click();

  assert.match(await page.locator('#banner').textContent(), /\u4ee4\u724c\u4e0d\u5141\u8bb8.*subscribe does not cover/);
});

const CONNECTIONS = Array.from({ length: 53 }, (_, number) => ({
  id: `c${number}`,
  user: number === 1 ? null : `user-${number}<b>`,
  address: `10.0.0.${number}`,
  transport: 'sse',
  selectors: [`orders/${number}`, 'users/**'],
  since: new Date(Date.now() - 90_000).toISOString(),
  lag: number === 0 ? 1_234 : 0,
}));

scene('an admin sees who is connected, page by page, and disconnects one', async (scene) => {
  const hub = await startAccessHub(scene);
  const proxy = await startAdminProxy(scene, hub.port, { key: KEY, connections: CONNECTIONS });
  const { page, complaints } = await visitConsole(scene, `${proxy.origin}/`);
  await panelOf(page).waitFor();
  // For everything, and for that part which everybody may read.
  await until('the browser has complained of both refusals', () => complaints.length === 2);
  complaints.length = 0;
  assert.equal(await page.locator('#connections').isVisible(), false);
  await enter(page, KEY);
  const card = page.getByRole('region', { name: 'Connections' });
  const rows = card.getByRole('listitem');

  await rows.filter({ hasText: 'user-0<b>' }).filter({ hasText: '1,234 events behind' }).waitFor();
  await rows.filter({ hasText: 'anonymous' }).filter({ hasText: 'orders/1, users/**' }).filter({ hasText: '10.0.0.1' }).waitFor();
  assert.equal(await rows.count(), 50);
  await card.getByRole('button', { name: 'Disconnect user-2<b> at 10.0.0.2' }).click();
  await card.getByText('1 connection has ended.').waitFor();
  assert.deepEqual(proxy.disconnected, ['c2']);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Disconnect user-3<b> at 10.0.0.3');
  assert.equal(await rows.filter({ hasText: 'user-2<b>' }).count(), 0);
  await card.getByRole('button', { name: 'Next 50' }).click();
  await rows.filter({ hasText: 'user-52<b>' }).waitFor();
  assert.equal(await rows.count(), 2);
  await card.getByRole('button', { name: 'First page' }).click();
  await rows.filter({ hasText: 'user-0<b>' }).waitFor();

  assert.deepEqual(complaints, []);
});

scene('an admin ends the stream of a user, and the page knows its own connection', async (scene) => {
  const hub = await startAccessHub(scene);
  // So the stream of the page begins with an event, and its id must be told all the same.
  await hub.publish('orders/9', 'from before');
  const { page } = await visitConsole(scene, `${hub.url}/`);
  await panelOf(page).waitFor();
  const reader = await fetch(`${hub.url}/events/orders/9`, {
    headers: { Authorization: `Bearer ${tokenFor(['orders/*'], { user: 'reader' })}`, Accept: 'text/event-stream' },
  });
  await enter(page, KEY);
  const rows = page.getByRole('region', { name: 'Connections' }).getByRole('listitem');

  await rows.filter({ hasText: 'this page' }).filter({ hasText: '**' }).waitFor();
  await rows.filter({ hasText: 'reader' }).filter({ hasText: 'orders/9' }).getByRole('button').click();

  assert.match(await reader.text(), /retry: \d+\n$/);
  await rows.filter({ hasText: 'reader' }).waitFor({ state: 'detached' });
  assert.equal(await rows.filter({ hasText: 'this page' }).count(), 1);
});

scene('who is no admin sees no connections, and without a key or token the page does not ask for them', async (scene) => {
  const hub = await startAccessHub(scene, { subscribe: ['**'] });
  const proxy = await startAdminProxy(scene, hub.port, { key: KEY, connections: CONNECTIONS });
  const { page } = await visitConsole(scene, `${proxy.origin}/`);
  await live(page);
  assert.deepEqual(proxy.asked, []);

  await page.getByRole('button', { name: 'Enter a key or token' }).click();
  const answered = page.waitForResponse('**/admin/connections**');
  await enter(page, tokenFor(['**']));
  assert.equal((await answered).status(), 403);
  await live(page);
  proxy.asked.length = 0;
  const again = page.waitForResponse('**/events/**');
  await page.evaluate(() => ['pagehide', 'pageshow'].forEach((type) => dispatchEvent(new PageTransitionEvent(type, { persisted: true }))));
  await again;
  await live(page);

  assert.deepEqual(proxy.asked, [], 'a key or token that is no admin\u2019s is asked with once');
  assert.equal(await page.locator('#connections').isVisible(), false);
  assert.equal(await page.locator('#tab-connections').isVisible(), false);
});

scene('on a phone the panel and the connections fit the width', async (scene) => {
  const hub = await startAccessHub(scene);
  const long = [{ ...CONNECTIONS[0], user: 'u'.repeat(200), selectors: ['t'.repeat(400)] }];
  const proxy = await startAdminProxy(scene, hub.port, { key: KEY, connections: long });
  const browser = await startChromium(scene);
  for (const locale of ['en-US', 'zh-CN']) {
    const phone = { browser, viewport: PHONE, hasTouch: true, isMobile: true, locale };
    const { page, context } = await visitConsole(scene, `${proxy.origin}/`, phone);
    const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    await page.locator('#access-input').waitFor();
    assert.ok((await overflow()) <= 0, `${locale}: the panel is ${await overflow()} pixels too wide`);
    await page.locator('#access-input').fill(KEY);
    await page.keyboard.press('Enter');
    await page.locator('#tab-connections').tap();
    await page.locator('#connections li').waitFor();
    assert.ok((await overflow()) <= 0, `${locale}: the connections are ${await overflow()} pixels too wide`);
    await context.close();
  }
});
