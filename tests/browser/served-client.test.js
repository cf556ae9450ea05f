// The browser client as the hub serves it: modules for pages of any origin, also below a path, and with the bytes that a page was
// tested with.

import assert from 'node:assert/strict';

import { startChromium } from './chromium.js';
import { startHub } from './hub.js';
import { startOrigin } from './origin.js';
import { passOn } from './pass-on.js';
import { startPrefixProxy } from './prefix-proxy.js';
import { cast, scene } from './scene.js';

const list = async (base) => (await fetch(`${base}/tidings.json`)).json();

/** A page of another origin whose HTML the test writes. */
async function openPage(scene, browser, html) {
  const origin = await startOrigin(scene, (_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(`<!doctype html><meta charset="utf-8">${html}`);
  });
  const page = await browser.newPage();
  scene.after(() => page.close());
  await page.goto(origin);
  return page;
}

/** Names that the module at a URL exports, or how its import has failed. */
const imported = (page, url) =>
  page.evaluate((url) => import(url).then((module) => Object.keys(module), (error) => String(error)), url);

scene('a page whose origin is not allowed imports the client and each of its parts, and reads no event', async (scene) => {
  const hub = await startHub(scene);
  const browser = await startChromium(scene);
  const page = await openPage(scene, browser, '');
  const { entry, integrity } = await list(hub.url);

  const exported = await imported(page, `${hub.url}/tidings.js`);
  assert.ok(Array.isArray(exported) && exported.includes('version'), String(exported));
  assert.deepEqual(await imported(page, `${hub.url}/${entry}`), exported);
  for (const name of Object.keys(integrity)) {
    assert.ok(Array.isArray(await imported(page, `${hub.url}/${name}`)), name);
  }
  const read = await page.evaluate((url) => fetch(url).then(({ status }) => status, String), `${hub.url}/events/a`);
  assert.match(String(read), /Failed to fetch/);
});

scene('below a path, behind a proxy, its parts find one another', async (scene) => {
  const { hub, browser } = await cast(scene);
  const proxy = await startPrefixProxy(scene, hub.port, '/push/');
  const page = await openPage(scene, browser, '');
  const { integrity } = await list(`${proxy.origin}/push`);

  for (const name of ['tidings.js', ...Object.keys(integrity)]) {
    assert.ok(Array.isArray(await imported(page, `${proxy.origin}/push/${name}`)), name);
    const text = await (await fetch(`${proxy.origin}/push/${name}`)).text();
    for (const [specifier] of text.matchAll(/\.\/tidings-[A-Z0-9]{8}\.js/g)) {
      assert.ok(Array.isArray(await imported(page, new URL(specifier, `${proxy.origin}/push/`).href)), `${name} loads ${specifier}`);
    }
  }
  assert.deepEqual(proxy.strays, []);
});

scene('an import map with the hashes of the hub lets these bytes run and no others', async (scene) => {
  const { hub, browser } = await cast(scene);
  const { entry, integrity } = await list(hub.url);
  const pageWith = (hashes) => {
    const map = {
      imports: { tidings: `${hub.url}/${entry}` },
      integrity: Object.fromEntries(Object.keys(integrity).map((name) => [`${hub.url}/${name}`, hashes[name]])),
    };
    return openPage(scene, browser, `<script type="importmap">${JSON.stringify(map)}</script>`);
  };

  const good = await pageWith(integrity);
  assert.ok((await imported(good, 'tidings')).includes('version'));
  const bad = await pageWith({ ...integrity, [entry]: `sha384-${'A'.repeat(64)}` });
  assert.match(String(await imported(bad, 'tidings')), /Failed to fetch/);
});

scene('pages after the first one ask whether the stable name has changed, and ask no more for names with a hash', async (scene) => {
  const { hub, browser } = await cast(scene);
  const { entry } = await list(hub.url);
  const asked = [];
  const proxy = await startOrigin(scene, (request, response) => {
    asked.push([request.url, request.headers['if-none-match'] !== undefined]);
    passOn(request, response, hub.port, request.url);
  });
  const html = `<script type="module">import '${proxy}/tidings.js'; import '${proxy}/${entry}'; document.title = 'run';</script>`;
  const page = await openPage(scene, browser, html);
  await page.waitForFunction(() => document.title === 'run');
  const first = asked.splice(0).sort();

  await page.goto(`${page.url()}another`);
  await page.waitForFunction(() => document.title === 'run');

  assert.deepEqual(first, [[`/${entry}`, false], ['/tidings.js', false]]);
  assert.deepEqual(asked, [['/tidings.js', true]]);
});
