// The guide of a bell on a page: its configuration, its page and both of its backends, as they stand there, at two origins in Chromium.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { until } from '../browser/deadline.js';
import { BINARY, restartHub, startHub } from '../browser/hub.js';
import { code, runShell } from './guide.js';
import { freePort, startProgram } from './program.js';
import { together } from './together.js';
import { fits, shows, visit } from './visit.js';

const GUIDE = 'inbox.md';
const BACKENDS = { node: [process.execPath, 'server.mjs'], python: ['python3', 'server.py'] };

/** The folder of the guide, with a hub that runs by its configuration, and one of the backends. */
async function startShop(scene, name) {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-bell-'));
  scene.after(() => rm(folder, { recursive: true, force: true }));
  const shop = join(folder, 'shop');
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const PATH = `${dirname(BINARY)}:${process.env.PATH}`;
  await runShell(`cd ${folder}\n${code(GUIDE, 'make the keys')}`, { PATH });

  const write = async (title, replacements) => writeFile(join(shop, title), code(GUIDE, title, replacements));
  await write('hub/tidings.toml', [['http://localhost:3000', origin]]);
  const hub = await startHub(scene, '--config', join(shop, 'hub/tidings.toml'), '--retry', '100ms', '--drain-window', '0s');
  const there = [['http://localhost:8080', `http://localhost:${hub.port}`]];
  await write('page.html', there);
  for (const title of ['server.mjs', 'server.py']) await write(title, [...there, ['3000', String(port)]]);
  await startProgram(scene, BACKENDS[name][0], [BACKENDS[name][1]], { cwd: shop });
  const shell = (title) => runShell(`cd ${shop}\n${code(GUIDE, title, there)}`, { PATH });
  return { hub, origin, shell };
}

const badge = (page) => page.locator('tidings-inbox [part=badge]');
const badgeOf = async (page) => ((await badge(page).isVisible()) ? badge(page).textContent() : '');
const badgeIs = (page, text) => until(`the badge of the page says ${text || 'nothing'}`, async () => (await badgeOf(page)) === text);
const titles = (page) => page.locator('tidings-inbox [part=list] > li').allTextContents();

async function logIn(page, user) {
  await page.getByLabel('Name').fill(user);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.locator('tidings-inbox [part=bell]').waitFor();
}

async function order(page, item) {
  await page.getByLabel('Item').fill(item);
  await page.getByRole('button', { name: 'Order', exact: true }).click();
}

together(Object.keys(BACKENDS), 'a customer has a bell that is the same in all windows, and nobody else sees it', async (scene, name, browser) => {
  const { hub, origin, shell } = await startShop(scene, name);
  const open = async (user) => {
    const page = await visit(scene, await browser.newContext(), origin);
    await logIn(page, user);
    return page;
  };
  const [ann, annsPhone, bob] = [await open('ann'), await open('ann'), await open('bob')];

  await order(ann, 'A <b>kettle</b>');
  for (const page of [ann, annsPhone]) await badgeIs(page, '2');
  await until('the title counts', async () => (await ann.title()) === '(2) Shop');
  await ann.locator('tidings-inbox [part=bell]').click();
  await shows(ann, 'tidings-inbox [part=list] > li', 'Packed: A <b>kettle</b>');
  assert.equal((await titles(ann)).length, 2);
  await fits(ann, `inbox-guide-${name}`);
  await ann.getByRole('button', { name: 'Mark all as read' }).click();
  for (const page of [ann, annsPhone]) await badgeIs(page, '');
  await badgeIs(bob, '');

  // The cookie of one runs out meanwhile: the page gets another one.
  await ann.context().clearCookies({ name: 'tidings' });
  await hub.stop();
  await restartHub(scene, hub.directory, ...hub.flags, '--listen', `127.0.0.1:${hub.port}`);
  await shell('notify by hand');
  await badgeIs(ann, '2');
  await badgeIs(annsPhone, '2');
  await badgeIs(bob, '1');
});
