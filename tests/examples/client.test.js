// The pages with our client: without a framework, and with the hook for React, the composable for Vue and the store for Svelte.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import { startAccessHub } from '../browser/access-hub.js';
import { until } from '../browser/deadline.js';
import { startHub } from '../browser/hub.js';
import { code } from './guide.js';
import { EXAMPLES, freePort } from './program.js';
import { newVisitor, startSite } from './site.js';
import { together } from './together.js';
import { fits, shows, visit } from './visit.js';

const PAGES = { plain: '/plain.html', react: '/react/index.html', vue: '/vue/index.html', svelte: '/svelte/index.html' };

const publish = (hub, shop, order) => hub.publish(`orders/${shop}`, JSON.stringify(order), { event: 'order' });
const list = (page) => page.locator('li').allTextContents();
const lists = (page, expected) => until(`the page shows ${expected}`, async () => isDeepStrictEqual(await list(page), expected));

/** How many streams of the hub are open. */
async function streams(hub) {
  const text = await (await fetch(`${hub.url}/metrics`)).text();
  return Number(/^tidings_streams (\d+)/m.exec(text)?.[1]);
}

test('what the guide shows of the pages stands in them', async () => {
  for (const file of ['react/Orders.jsx', 'vue/List.vue', 'svelte/List.svelte']) {
    const text = await readFile(join(EXAMPLES, 'pages', file), 'utf8');
    assert.ok(text.includes(code('frameworks.md', file)), file);
  }
});

together(Object.keys(PAGES), 'shows the newest and what comes, by topics that change, on one stream, and leaves none behind', async (scene, name, browser) => {
  let hub;
  const origin = await startSite(scene, () => hub.url);
  hub = await startHub(scene, '--memory', '--cors-origin', origin);
  await publish(hub, 'paris', { id: '1', item: 'Kettle', state: 'placed' });
  await publish(hub, 'rome', { id: '2', item: 'Teapot', state: 'placed' });
  const visitor = await newVisitor(browser);
  const asked = [];
  const loaded = [];
  visitor.on('request', (request) => {
    if (request.url().startsWith(`${hub.url}/events`)) asked.push(request.url());
    if (request.url().endsWith('/orders.json')) loaded.push(request.url());
  });
  const page = await visit(scene, visitor, origin + PAGES[name]);
  await lists(page, ['Teapot: placed', 'Kettle: placed']);
  await shows(page, '[role=status].live', 'open');
  await publish(hub, 'paris', { id: '1', item: 'Kettle', state: 'packed' });
  await lists(page, ['Teapot: placed', 'Kettle: packed']);
  await until('there is one stream', async () => (await streams(hub)) === 1);
  assert.equal(asked.length, 1, `${asked}`);
  await fits(page, name);

  await page.getByLabel('Shop').selectOption('Rome');
  await lists(page, ['Teapot: placed']);
  await publish(hub, 'paris', { id: '3', item: 'Cup', state: 'placed' });
  // An event that the page cannot read does not keep the others away, and what a publisher calls a gap is none.
  await hub.publish('orders/rome', 'no JSON', { event: 'order' });
  await hub.publish('orders/rome', '{"id": "2", "item": "Teapot", "state": "placed"}', { event: 'gap' });
  await publish(hub, 'rome', { id: '4', item: 'Spoon', state: 'placed' });
  await lists(page, ['Spoon: placed', 'Teapot: placed']);
  await until('there is one stream', async () => (await streams(hub)) === 1);

  await page.getByLabel('Live').uncheck();
  await until('there is no stream', async () => (await streams(hub)) === 0);
  await page.getByLabel('Live').check();
  await lists(page, ['Spoon: placed', 'Teapot: placed']);
  assert.deepEqual(loaded, []);
  assert.ok(page.complaints.length > 0);
  for (const complaint of page.complaints) assert.match(complaint, /^SyntaxError: .*JSON/);
});

together(Object.keys(PAGES), 'a topic that may not be read is said to be so, and another one is', async (scene, name, browser) => {
  let hub;
  const origin = await startSite(scene, () => hub.url);
  hub = await startAccessHub(scene, { subscribe: ['orders/rome'] }, '--memory', '--cors-origin', origin);
  await hub.publish('orders/rome', JSON.stringify({ id: '1', item: 'Teapot', state: 'placed' }), { event: 'order' });
  const page = await visit(scene, await newVisitor(browser), origin + PAGES[name]);
  await shows(page, '[role=status]', 'closed');
  await shows(page, '[role=alert]', /Unauthorized: .*orders\/\*/);
  await fits(page, `${name}-refused`);

  await page.getByLabel('Shop').selectOption('Rome');
  await shows(page, '[role=status].live', 'open');
  assert.equal(await page.locator('[role=alert]').textContent(), '');
});

together(Object.keys(PAGES), 'says what is wrong, comes back, and loads anew what it has missed', async (scene, name, browser) => {
  const port = await freePort();
  const known = [{ id: '1', item: 'Kettle', state: 'delivered' }];
  const origin = await startSite(scene, () => `http://127.0.0.1:${port}`, () => known);
  const start = (...flags) => startHub(scene, '--memory', '--retry', '100ms', '--drain-window', '0s', '--listen', `127.0.0.1:${port}`, ...flags);
  let hub = await start('--cors-origin', origin);
  await publish(hub, 'paris', { id: '1', item: 'Kettle', state: 'placed' });
  const page = await visit(scene, await newVisitor(browser), origin + PAGES[name]);
  await lists(page, ['Kettle: placed']);

  await hub.stop();
  await shows(page, '[role=alert]', 'trying again');
  await fits(page, `${name}-away`);
  hub = await start('--cors-origin', origin);
  await publish(hub, 'rome', { id: '2', item: 'Teapot', state: 'placed' });
  await lists(page, ['Teapot: placed', 'Kettle: delivered']);
  await shows(page, '[role=status].live', 'open');
  assert.equal(await page.locator('[role=alert]').textContent(), '');
});

together(Object.keys(PAGES), 'opened while the hub is away, is live once it is there', async (scene, name, browser) => {
  const port = await freePort();
  const origin = await startSite(scene, () => `http://127.0.0.1:${port}`);
  const page = await visit(scene, await newVisitor(browser), origin + PAGES[name]);
  await until('the page has asked in vain', () => page.complaints.some((text) => text.includes('ERR_CONNECTION_REFUSED')));
  await shows(page, '[role=status]', /^(connecting|waiting)$/);
  const hub = await startHub(scene, '--memory', '--listen', `127.0.0.1:${port}`, '--cors-origin', origin);
  await publish(hub, 'paris', { id: '1', item: 'Kettle', state: 'placed' });
  await lists(page, ['Kettle: placed']);
  await shows(page, '[role=status].live', 'open');
});

together(Object.keys(PAGES), 'a hub that ends in order is not shown as open', async (scene, name, browser) => {
  const port = await freePort();
  const origin = await startSite(scene, () => `http://127.0.0.1:${port}`);
  // The page stays away for so long that no attempt fails meanwhile.
  const start = () =>
    startHub(scene, '--memory', '--retry', '5m', '--drain-window', '0s', '--listen', `127.0.0.1:${port}`, '--cors-origin', origin);
  const hub = await start();
  const page = await visit(scene, await newVisitor(browser), origin + PAGES[name]);
  await shows(page, '[role=status].live', 'open');

  await hub.stop();
  await shows(page, '[role=status]:not(.live)', /^waiting$/);
  assert.equal(await page.locator('[role=alert]').textContent(), '');
  await fits(page, `${name}-waiting`);
  await start();
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await shows(page, '[role=status].live', /^open$/);
});

together(Object.keys(PAGES), 'a topic that is left while its state is loaded leaves nothing behind', async (scene, name, browser) => {
  const port = await freePort();
  let isAsked = false;
  let answer;
  const known = new Promise((resolve) => (answer = () => resolve([{ id: '9', item: 'Old', state: 'placed' }])));
  const origin = await startSite(scene, () => `http://127.0.0.1:${port}`, () => ((isAsked = true), known));
  const start = () =>
    startHub(scene, '--memory', '--retry', '100ms', '--drain-window', '0s', '--listen', `127.0.0.1:${port}`, '--cors-origin', origin);
  let hub = await start();
  await publish(hub, 'paris', { id: '1', item: 'Kettle', state: 'placed' });
  const page = await visit(scene, await newVisitor(browser), origin + PAGES[name]);
  await lists(page, ['Kettle: placed']);
  await hub.stop();
  hub = await start();
  await publish(hub, 'paris', { id: '2', item: 'Cup', state: 'placed' });
  await until('the page asks what is true now', () => isAsked);

  await page.getByLabel('Shop').selectOption('Rome');
  await publish(hub, 'rome', { id: '3', item: 'Teapot', state: 'placed' });
  await lists(page, ['Teapot: placed']);
  answer();
  await publish(hub, 'rome', { id: '4', item: 'Spoon', state: 'placed' });
  await lists(page, ['Spoon: placed', 'Teapot: placed']);
  assert.deepEqual(page.complaints.filter((text) => !text.startsWith('Failed to load resource')), []);
});
