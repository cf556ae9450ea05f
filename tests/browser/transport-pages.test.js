// The pages of the transports, in a browser: each is live, publishes, goes on where it was, and shows code that works.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { KEY, startAccessHub } from './access-hub.js';
import { startChromium } from './chromium.js';
import { PHONE, visitConsole } from './console-page.js';
import { until } from './deadline.js';
import { restartHub, startHub } from './hub.js';
import { startPageServer } from './page-server.js';
import { startPrefixProxy } from './prefix-proxy.js';
import { scene } from './scene.js';

const SHOWS = ['client', 'sse', 'envelope', 'long-poll', 'poll', 'lines', 'pages', 'web-socket', 'iframe'];
/** Those whose key or token stands in no header. */
const BY_TICKET = SHOWS.filter((show) => !['client', 'lines', 'pages'].includes(show));

const pageOf = (root, show, topic = 'orders/42') => `${root}/console/transports.html?show=${show}&topic=${encodeURIComponent(topic)}`;

const live = (page) => page.locator('#phase[data-phase=live]').waitFor();
const data = (page) => page.locator('#list .event-data').allTextContents();
const shows = (page, text) => page.locator('#list .event-data').filter({ hasText: text }).first().waitFor();

/** The browser says this of every frame that may run scripts and is of the same origin as the page around it. */
const OF_FRAMES = /^An iframe which has both allow-scripts and allow-same-origin/;

function assertQuiet(complaints) {
  assert.deepEqual(complaints.filter((text) => !OF_FRAMES.test(text)), []);
}

async function publishes(page, text) {
  await page.getByLabel('Data').fill(text);
  await page.locator('#publish-form .primary').click();
  await page.getByText('Published as').waitFor();
  await shows(page, text);
}

/** Saves what is to be seen, if `TIDINGS_SHOTS` names a folder. */
async function shoot(page, name) {
  const folder = process.env.TIDINGS_SHOTS;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

for (const show of SHOWS) {
  scene(`${show}: the page is live, publishes, and goes on after its last id over a cut and a restart`, async (scene) => {
    const hub = await startHub(scene, '--retry', '100ms', '--drain-window', '0s');
    await hub.publish('orders/42', 'before');
    const { page, complaints } = await visitConsole(scene, pageOf(hub.url, show));
    await live(page);
    await shows(page, 'before');
    await publishes(page, 'from the page');

    await page.getByRole('button', { name: 'Disconnect' }).click();
    await page.locator('#phase[data-phase=paused]').waitFor();
    await hub.publish('orders/42', 'while cut');
    await page.getByRole('button', { name: 'Connect again' }).click();
    await shows(page, 'while cut');
    assertQuiet(complaints);

    await hub.stop();
    const next = await restartHub(scene, hub.directory, ...hub.flags, '--listen', `127.0.0.1:${hub.port}`);
    await next.publish('orders/42', '{"state":"paid"}', { id: 'after-restart' });
    await shows(page, 'paid');
    // A page of history has its own place, and a poll without an event tells one.
    await page.locator('#cursor').filter({ hasText: ['pages', 'poll'].includes(show) ? /-\d+$/ : 'after-restart' }).waitFor();
    await live(page);
    assert.deepEqual(await data(page), ['{"state":"paid"}', 'while cut', 'from the page', 'before']);

    await shoot(page, show);
    await page.setViewportSize(PHONE);
    await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth);
    await shoot(page, `${show}-phone`);
    await page.locator('#tabs [data-part=code]').click();
    await shoot(page, `${show}-phone-code`);
  });

  scene(`${show}: the code that the page shows hears events in a page of another origin`, async (scene) => {
    const pages = await startPageServer(scene);
    const hub = await startHub(scene, '--retry', '100ms', '--cors-origin', pages.origin);
    const { page, context } = await visitConsole(scene, pageOf(hub.url, show));
    const code = await page.locator('#snippet code').textContent();
    await page.close();
    const other = await context.newPage();
    const heard = [];
    other.on('console', (message) => heard.push(message.text()));
    await other.goto(`${pages.origin}/listener.html?url=about:blank`);
    const more = show === 'web-socket' ? '\nwindow.publish = publish;' : '';
    await other.addScriptTag({ type: 'module', content: code + more });

    // Where the code begins now, the first events may be too early for it.
    await until('the code hears an event', async () => {
      await hub.publish('orders/42', 'one');
      return heard.some((text) => text.endsWith('one'));
    });
    if (show === 'web-socket') {
      await other.evaluate(() => window.publish('by the code'));
      await until('the code publishes', () => heard.includes('orders/42 by the code'));
    }
    await hub.stop();
    const next = await restartHub(scene, hub.directory, ...hub.flags, '--listen', `127.0.0.1:${hub.port}`);
    await next.publish('orders/42', 'two');

    const said = show === 'envelope' ? 'orders/42 message two' : undefined;
    await until('the code goes on', () => heard.some((text) => (said ? text === said : text.endsWith(' two'))));
  });
}

// This proxy takes no WebSocket; `tests/proxies` has those that do.
for (const show of SHOWS.filter((show) => show !== 'web-socket')) {
  scene(`${show}: below a path of a proxy the page is live and publishes`, async (scene) => {
    const hub = await startHub(scene);
    const { origin } = await startPrefixProxy(scene, hub.port, '/push/');
    const { page, complaints } = await visitConsole(scene, pageOf(`${origin}/push`, show));

    await live(page);
    await publishes(page, 'below');

    assertQuiet(complaints);
  });
}

for (const show of SHOWS) {
  scene(`${show}: a page that is refused asks for a key, and is live with it`, async (scene) => {
    const hub = await startAccessHub(scene);
    const { page } = await visitConsole(scene, pageOf(hub.url, show));
    await page.locator('#phase[data-phase=refused]').waitFor();
    await page.locator('#access-input').fill(KEY);
    await page.locator('#access').getByRole('button', { name: 'Use' }).click();

    await live(page);
    await publishes(page, 'with a key');

    assert.equal(await page.locator('#note-key').isVisible(), BY_TICKET.includes(show));
    assert.ok(!(await page.content()).includes(KEY));
  });
}

scene('the console leads to the list, and the list to each page, in both languages', async (scene) => {
  const hub = await startHub(scene);
  const { page, complaints } = await visitConsole(scene, `${hub.url}/events/orders/42`);
  await page.locator('.bar').getByRole('link', { name: 'Transports' }).click();
  await page.locator('#list-of-ways').waitFor();
  await shoot(page, 'list');

  const links = await page.locator('#list-of-ways a').evaluateAll((links) => links.map(({ href }) => href));
  assert.deepEqual(links, SHOWS.map((show) => pageOf(hub.url, show, 'orders/42')));
  await page.getByRole('button', { name: '中文' }).click();
  assert.equal(await page.locator('h1').textContent(), '传输方式');
  await page.setViewportSize(PHONE);
  await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth);
  await page.emulateMedia({ colorScheme: 'dark' });
  await shoot(page, 'list-phone-dark-zh');
  await page.locator('#list-of-ways a').nth(7).click();
  await live(page);
  await shoot(page, 'web-socket-phone-dark-zh');
  await page.setViewportSize({ width: 1280, height: 800 });
  await shoot(page, 'web-socket-dark-zh');
  await page.locator('.brand').click();
  await page.locator('#app:not([hidden])').waitFor();
  assert.equal(new URL(page.url()).pathname, '/console/');
  assertQuiet(complaints);
});

scene('the page of the client tells what is used, and goes on by what is chosen', async (scene) => {
  const hub = await startHub(scene, '--retry', '100ms');
  await hub.publish('orders/42', 'before');
  const { page, complaints } = await visitConsole(scene, pageOf(hub.url, 'client'));
  const select = page.locator('.client select');
  const heard = ['before'];
  await shows(page, 'before');

  for (const transport of ['', 'post', 'long-poll', 'poll', 'websocket', 'native', 'iframe', 'sse']) {
    if (transport) await select.selectOption(transport);
    await page.getByText(`Used now: ${transport || 'sse'}`).waitFor();
    await hub.publish('orders/42', `by ${transport}`);
    await shows(page, `by ${transport}`);
    await live(page);
    heard.unshift(`by ${transport}`);
    const code = await page.locator('#snippet code').textContent();
    assert.equal(code.includes(`transport: '${transport}'`), transport !== '');
  }

  assert.deepEqual(await data(page), heard);
  await shoot(page, 'client-chosen');
  await page.getByRole('button', { name: '中文' }).click();
  await page.getByText('当前使用：sse').waitFor();
  await shoot(page, 'client-chosen-zh');
  assertQuiet(complaints);
});

scene('the page of a WebSocket subscribes to more and fewer, and goes on with these', async (scene) => {
  const hub = await startHub(scene, '--drain-window', '0s');
  const { page } = await visitConsole(scene, pageOf(hub.url, 'web-socket'));
  await live(page);
  const chips = page.locator('.socket-selectors li');

  await page.locator('.socket-form .input').fill('news/*');
  await page.locator('.socket-form button').click();
  await chips.nth(1).waitFor();
  await hub.publish('news/1', 'more');
  await shows(page, 'more');
  await shoot(page, 'web-socket-more');
  await page.getByRole('button', { name: 'Unsubscribe from orders/42' }).click();
  await until('one is left', async () => (await chips.allTextContents()).join() === 'news/*');
  await hub.stop();
  const next = await restartHub(scene, hub.directory, ...hub.flags, '--listen', `127.0.0.1:${hub.port}`);
  await next.publish('orders/42', 'not heard');
  await next.publish('news/2', 'still heard');

  await shows(page, 'still heard');
  assert.deepEqual(await data(page), ['still heard', 'more']);
});

scene('the page of a WebSocket says why something is refused, and publishes with a key alone, too', async (scene) => {
  const file = join(await mkdtemp(join(tmpdir(), 'tidings-key-')), 'key');
  scene.after(() => rm(dirname(file), { recursive: true }));
  await writeFile(file, KEY, { mode: 0o600 });
  const hub = await startHub(scene, '--publish-key-file', file);
  const { page } = await visitConsole(scene, pageOf(hub.url, 'web-socket'));
  await live(page);

  await page.locator('.socket-form .input').fill('tidings/x');
  await page.locator('.socket-form button').click();
  await page.locator('.socket .note').filter({ hasText: /reserved|tidings/ }).waitFor();
  await page.getByLabel('Data').fill('locked');
  await page.locator('#publish-form .primary').click();
  await page.locator('#access-input').fill(KEY);
  await page.locator('#access').getByRole('button', { name: 'Use' }).click();

  await shows(page, 'locked');
});
