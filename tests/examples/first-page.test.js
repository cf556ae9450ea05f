// The guide of a first page: its configuration, its page and both of its backends, as they stand there, at two origins in Chromium.

import assert from 'node:assert/strict';
import { mkdtemp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { until } from '../browser/deadline.js';
import { BINARY, restartHub, startHub } from '../browser/hub.js';
import { scene } from '../browser/scene.js';
import { code, runShell } from './guide.js';
import { freePort, startProgram } from './program.js';
import { together } from './together.js';
import { fits, shows, visit } from './visit.js';

const GUIDE = 'first-page.md';
const BACKENDS = { node: [process.execPath, 'server.mjs'], python: ['python3', 'server.py'] };
/** Each way to listen with one of the backends, and both backends at least once. */
const WAYS = { node: 'node', python: 'python', 'node with our client': 'node' };

/** The folder of the guide, with a hub that runs by its configuration. `allowed` is the origin that may read. */
async function startShop(scene, { client = false, seconds = 3600, allowed, retry = '100ms', flags = [] } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-shop-'));
  scene.after(() => rm(folder, { recursive: true, force: true }));
  const shop = join(folder, 'shop');
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const PATH = `${dirname(BINARY)}:${process.env.PATH}`;
  await runShell(`cd ${folder}\n${code(GUIDE, 'make the keys')}`, { PATH });

  const write = async (title, replacements) => writeFile(join(shop, title), code(GUIDE, title, replacements));
  await write('hub/tidings.toml', [
    ['http://localhost:3000', allowed ?? origin],
    ['[access.jwt]', '[access.jwt]\nleeway = "0s"'],
  ]);
  const hub = await startHub(scene, '--config', join(shop, 'hub/tidings.toml'), '--retry', retry, '--drain-window', '0s', ...flags);
  const there = [['http://localhost:8080', `http://localhost:${hub.port}`]];
  await write('page.html', there);
  if (client) {
    const page = await readFile(join(shop, 'page.html'), 'utf8');
    const [native] = /^  function watch\(user\) \{$[^]*?^  \}\n/m.exec(page);
    await writeFile(join(shop, 'page.html'), page.replace(native, () => code(GUIDE, 'the client of the hub, in place of EventSource')));
  }
  for (const title of ['server.mjs', 'server.py']) await write(title, [...there, ['3000', String(port)], ['LOGIN_SECONDS = 3600', `LOGIN_SECONDS = ${seconds}`]]);
  const shell = (title, replacements) => runShell(`cd ${shop}\n${code(GUIDE, title, replacements)}`, { PATH });
  return { shop, hub, origin, shell, start: (name) => startProgram(scene, BACKENDS[name][0], [BACKENDS[name][1]], { cwd: shop }) };
}

async function logIn(page, user) {
  await page.getByLabel('Name').fill(user);
  await page.getByRole('button', { name: 'Log in' }).click();
}

async function order(page, item) {
  await page.getByLabel('Item').fill(item);
  await page.getByRole('button', { name: 'Order' }).click();
}

const isOurs = (name) => name.endsWith('our client');

const lines = (page) => page.locator('li').allTextContents();

together(Object.keys(WAYS), 'a customer sees what becomes of an order, also after a reload and a restart, and nobody else does', async (scene, name, browser) => {
  const { hub, origin, start } = await startShop(scene, { client: isOurs(name) });
  const backend = await start(WAYS[name]);
  const open = async (user) => {
    const page = await visit(scene, await browser.newContext(), origin);
    await logIn(page, user);
    await shows(page, '[role=status]', isOurs(name) ? 'open' : 'live');
    assert.equal(await page.getByLabel('Name').isVisible(), false);
    return page;
  };
  const [ann, bob] = [await open('ann'), await open('bob')];

  await order(ann, 'A <b>kettle</b>');
  await shows(ann, 'li', 'A <b>kettle</b>packed');
  await order(bob, 'A teapot');
  await shows(bob, 'li', 'A teapotpacked');
  assert.deepEqual(await lines(ann), ['A <b>kettle</b>packed']);
  await fits(ann, `first-page-${name.replaceAll(' ', '-')}`);
  await ann.reload();
  await shows(ann, 'li', 'A <b>kettle</b>packed');
  for (const page of [ann, bob]) assert.deepEqual(page.complaints, []);

  await hub.stop();
  await shows(ann, '[role=status]', isOurs(name) ? /^(waiting|connecting)/ : 'away');
  const refusal = ann.evaluate(async () => {
    const answer = await fetch('/orders', { method: 'POST', body: '{"item": "A spoon"}' });
    return `${answer.status} ${await answer.text()}`;
  });
  assert.match(await refusal, /^502 the hub did not take it: /);
  const restarted = await restartHub(scene, hub.directory, ...hub.flags, '--listen', `127.0.0.1:${hub.port}`);
  await order(ann, 'A cup');
  await shows(ann, 'li', 'A cuppacked');
  assert.deepEqual(await lines(ann), ['A cuppacked', 'A <b>kettle</b>packed']);

  await backend.stop();
  await start(WAYS[name]);
  await ann.reload();
  await logIn(ann, 'ann');
  await order(ann, 'A bowl');
  await shows(ann, 'li', 'A bowlpacked');
  assert.deepEqual(await lines(ann), ['A bowlpacked', 'A cuppacked', 'A <b>kettle</b>packed']);
  const ids = await ann.locator('li').evaluateAll((all) => all.map(({ id }) => id));
  assert.equal(new Set(ids).size, ids.length, `${ids}`);

  await ann.context().clearCookies({ name: 'tidings' });
  await restarted.stop();
  await restartHub(scene, hub.directory, ...hub.flags, '--listen', `127.0.0.1:${hub.port}`);
  await shows(ann, '[role=status]', isOurs(name) ? /^closed: 401 Unauthorized: .*users\/ann\/orders/ : 'refused: log in again');
});

together(Object.keys(WAYS), 'a page that was opened while the hub was away is live once it is there', async (scene, name, browser) => {
  const { hub, origin, start } = await startShop(scene, { client: isOurs(name) });
  await hub.stop();
  await start(WAYS[name]);
  const page = await visit(scene, await browser.newContext(), origin);
  await logIn(page, 'ann');
  await shows(page, '[role=status]', isOurs(name) ? 'connecting' : 'away');
  await until('the page has asked in vain', () => page.complaints.some((text) => text.includes('ERR_CONNECTION_REFUSED')));

  await restartHub(scene, hub.directory, ...hub.flags, '--listen', `127.0.0.1:${hub.port}`);
  await shows(page, '[role=status]', isOurs(name) ? /^open$/ : 'live');
  await order(page, 'A kettle');
  await shows(page, 'li', 'A kettlepacked');
});

together(Object.keys(WAYS), 'a hub that ends in order is not shown as live', async (scene, name, browser) => {
  // The page stays away for so long that no attempt fails meanwhile.
  const { hub, origin, start } = await startShop(scene, { client: isOurs(name), retry: '5m' });
  await start(WAYS[name]);
  const page = await visit(scene, await browser.newContext(), origin);
  await logIn(page, 'ann');
  await shows(page, '[role=status]', isOurs(name) ? 'open' : 'live');

  await hub.stop();
  await shows(page, '[role=status]', isOurs(name) ? /^waiting$/ : 'away');
});

together(Object.keys(WAYS), 'a login that ends is renewed in silence, without loss', async (scene, name, browser) => {
  const { origin, start } = await startShop(scene, { client: isOurs(name), seconds: 3, retry: '2s' });
  await start(WAYS[name]);
  const page = await visit(scene, await browser.newContext(), origin);
  await page.evaluate(() => {
    const { fetch } = window;
    window.renewals = 0;
    window.fetch = (...asked) => ((window.renewals += asked[0] === '/renew'), fetch(...asked));
  });
  await logIn(page, 'ann');

  let count = 0;
  await until('the login was renewed', async () => {
    await order(page, `Order ${++count}`);
    await shows(page, 'li', `Order ${count}packed`);
    return (await page.evaluate(() => window.renewals)) > 1;
  }, 60_000);

  const expected = Array.from({ length: count }, (_, n) => `Order ${count - n}packed`);
  assert.deepEqual(await lines(page), expected);
});

together(Object.keys(WAYS), 'what is wrong is said: a name, no login, another origin', async (scene, name, browser) => {
  const { hub, origin, start } = await startShop(scene, { client: isOurs(name), allowed: 'http://localhost:1' });
  await start(WAYS[name]);
  const page = await visit(scene, await browser.newContext(), origin);
  await logIn(page, 'ann/orders');
  await shows(page, '[role=status]', 'a name has letters and digits');
  const answer = await fetch(`${origin}/orders`, { method: 'POST', body: '{"item":"x"}' });
  assert.equal(`${answer.status} ${await answer.text()}`, '401 log in first');

  await logIn(page, 'ann');
  // A browser does not tell our client either that it was refused, so it tries again.
  await shows(page, '[role=status]', isOurs(name) ? /^waiting: / : 'refused');

  const guide = await readFile(new URL(`../../docs/guides/${GUIDE}`, import.meta.url), 'utf8');
  const [, line] = /^```text\nINFO (.*)\n/m.exec(guide);
  const said = line.replaceAll('http://localhost:3001', origin).replaceAll('localhost:8080', `localhost:${hub.port}`);
  await until('the log of the hub says why', () => hub.said.includes(said));
});

scene('the look from outside finds nothing', async (scene) => {
  // It watches a quiet stream for two heartbeats.
  const { shop, hub, origin, shell } = await startShop(scene, { flags: ['--heartbeat', '1s'] });

  const told = await shell('look from outside', [
    ['http://localhost:8080', `http://localhost:${hub.port}`],
    ['http://localhost:3000', origin],
  ]);

  assert.match(told, /^ok +cors: /m);
  for (const secret of ['hub/backend.key', 'hub/login.key', 'ann.token']) assert.equal((await stat(join(shop, secret))).mode & 0o077, 0, secret);
});
