// The page of the inbox, on a plain `tidings serve`: two users in two windows, notified from a shell, whose badges agree.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { startAccessHub, tokenFor } from './access-hub.js';
import { startChromium } from './chromium.js';
import { PHONE, visitConsole } from './console-page.js';
import { until } from './deadline.js';
import { restartHub, startHub } from './hub.js';
import { scene } from './scene.js';

const run = promisify(execFile);

const pageOf = (root, ...users) => `${root}/console/inbox.html${users.length > 0 ? `?${users.map((user) => `user=${encodeURIComponent(user)}`).join('&')}` : ''}`;

const box = (page, user) => page.locator('.box', { has: page.getByRole('heading', { name: user, exact: true }) });
const live = (page, user) => page.locator('.box[data-state=open]', { has: page.getByRole('heading', { name: user, exact: true }) }).waitFor();
const unread = (page, user, count) => until(`the badge of ${user} says ${count}`, async () => (await box(page, user).getAttribute('data-unread')) === String(count));
const titles = (page, user) => box(page, user).locator('.item-title').allTextContents();

/** Saves what is to be seen, if `TIDINGS_SHOTS` names a folder. */
async function shoot(page, name) {
  const folder = process.env.TIDINGS_SHOTS;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

scene('the lines of the page notify, and what is marked in one window is marked in the other, over a restart', async (scene) => {
  const hub = await startHub(scene, '--retry', '100ms', '--drain-window', '0s');
  const { page, complaints } = await visitConsole(scene, pageOf(hub.url));
  const browser = await startChromium(scene);
  const other = await browser.newPage();
  await other.goto(pageOf(hub.url, 'alice'));
  for (const window of [page, other]) await live(window, 'alice');
  assert.equal(await other.locator('.box').count(), 1);
  await page.getByText('Nothing here yet').first().waitFor();

  // As somebody pastes them.
  for (const line of (await page.locator('#lines code').allTextContents()).slice(0, 2)) await run('sh', ['-c', line]);
  for (const window of [page, other]) await unread(window, 'alice', 2);
  await unread(page, 'bob', 1);
  assert.deepEqual(await titles(page, 'alice'), ['The office is closed', 'Your order has left']);
  await until('the title of the window counts', async () => (await other.title()) === '(2) alice \u00b7 tidings');

  await box(other, 'alice').getByRole('button', { name: 'Mark as read' }).last().click();
  for (const window of [page, other]) await unread(window, 'alice', 1);
  await unread(page, 'bob', 1);
  await box(page, 'alice').getByRole('button', { name: 'Mark all as read' }).click();
  await unread(other, 'alice', 0);
  await box(page, 'alice').getByRole('button', { name: 'Mark as unread' }).first().click();
  await unread(other, 'alice', 1);
  await box(other, 'alice').getByRole('button', { name: 'Delete' }).first().click();
  await unread(page, 'alice', 0);
  assert.deepEqual(await titles(page, 'alice'), ['Your order has left']);

  await hub.stop();
  await restartHub(scene, hub.directory, ...hub.flags, '--listen', `127.0.0.1:${hub.port}`);
  await page.locator('#to').selectOption({ label: 'all of them, in one request' });
  await page.locator('#text').fill('<img src=x onerror=alert(1)>');
  await page.getByRole('button', { name: 'Notify' }).click();
  await page.getByText('Notified.').waitFor();
  await unread(page, 'bob', 2);
  await unread(other, 'alice', 1);
  assert.equal((await titles(other, 'alice'))[0], '<img src=x onerror=alert(1)>');
  assert.deepEqual(complaints.filter((text) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE|ERR_EMPTY/.test(text)), []);
});

scene('it fits a phone, in light and dark, in both languages, and the console leads there', async (scene) => {
  const hub = await startHub(scene, '--memory');
  const { page } = await visitConsole(scene, `${hub.url}/`);
  const way = page.getByRole('link', { name: 'Inbox' }).first();
  await page.goto(await way.evaluate(({ href }) => href));
  await live(page, 'bob');
  await page.getByRole('button', { name: 'Notify' }).click();
  await unread(page, 'alice', 1);
  await shoot(page, 'inbox-light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await shoot(page, 'inbox-dark');
  await page.setViewportSize(PHONE);
  await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth);
  await shoot(page, 'inbox-phone-dark');
  await page.getByRole('button', { name: '\u4e2d\u6587' }).click();
  await page.getByRole('heading', { name: '\u5b9e\u65f6\u6536\u4ef6\u7bb1' }).waitFor();
  await page.emulateMedia({ colorScheme: 'light' });
  await shoot(page, 'inbox-phone-zh');
  assert.equal(await page.locator('[data-word=""], [data-word]:text-matches("^inbox\\\\.")').count(), 0);
});

scene('with access settings it says what is needed, and goes on with a token', async (scene) => {
  const hub = await startAccessHub(scene);
  const { page } = await visitConsole(scene, pageOf(hub.url, 'alice'));
  await page.locator('.box .banner').waitFor();
  assert.match(await page.locator('.box .banner').textContent(), /inbox\/alice/);
  await page.getByText('may publish to inbox/USER').waitFor();
  assert.match((await page.locator('#lines code').first().textContent()) ?? '', /Authorization: Bearer \$TIDINGS_TOKEN/);

  await page.locator('#access-input').fill(tokenFor(['inbox/alice']));
  await page.locator('#access-input').press('Enter');

  await live(page, 'alice');
  await page.getByRole('button', { name: 'Notify' }).click();
  await page.locator('#told').filter({ hasText: 'publish does not cover' }).waitFor();
});
