// When a script of the console fails, or does not come, the page says so.

import assert from 'node:assert/strict';

import { startChromium } from './chromium.js';
import { openConsole } from './console-page.js';
import { startHub } from './hub.js';
import { scene } from './scene.js';

const SCRIPT = { status: 200, contentType: 'text/javascript' };

/** What happens to which scripts on their way, and what the page says of it. */
const FAILURES = [
  ['the first module is not found', '**/app.js', (route) => route.fulfill({ status: 404, body: '' }), /\/console\/app\.js/],
  ['the client is blocked', '**/tidings.js', (route) => route.abort(), /\/console\/app\.js/],
  ['a module cannot be parsed', '**/topic.js', (route) => route.fulfill({ ...SCRIPT, body: 'let x = ;' }), /SyntaxError.*\/console\/topic\.js/],
  ['a module throws', '**/json.js', (route) => route.fulfill({ ...SCRIPT, body: 'export const piecesOf = 1; nowhere();' }), /nowhere.*\/console\/json\.js/],
  ['no script is let through', '**/*.js', (route) => route.abort(), /has not arrived/],
  ['a module never arrives', '**/stream.js', () => {}, /has not arrived/],
  ['neither scripts nor styles are let through', '**/*.{js,css}', (route) => route.abort(), /has not arrived/],
];

scene('a script that fails leaves a sentence on the page', async (scene) => {
  const hub = await startHub(scene);
  const browser = await startChromium(scene);
  for (const [name, scripts, how, expected] of FAILURES) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await context.route(scripts, how);

    await page.goto(`${hub.url}/events/a/b`, { waitUntil: 'commit' });

    const failed = page.getByRole('alert').filter({ hasText: 'A script of this page has failed, or has not arrived.' });
    await failed.waitFor();
    assert.match(await failed.textContent(), expected, name);
    assert.equal(page.url(), `${hub.url}/events/a/b`);
    await context.close();
  }
});

scene('a script that fails later is told, and the page goes on', async (scene) => {
  const hub = await startHub(scene);
  const { page } = await openConsole(scene, `${hub.url}/`);
  assert.equal(await page.locator('#failed').isVisible(), false);

  await page.evaluate(() => import('./console/none.js').catch((error) => void Promise.reject(error)));

  await page.getByRole('alert').filter({ hasText: 'none.js' }).waitFor();
  assert.ok(await page.locator('#phase').isVisible());
});

scene('without JavaScript the page says what it needs', async (scene) => {
  const hub = await startHub(scene);
  const browser = await startChromium(scene);
  const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();

  await page.goto(`${hub.url}/events/a`);

  assert.match(await page.locator('.noscript').innerText(), /This page needs JavaScript\./);
  assert.equal(await page.locator('#failed').isVisible(), false);
});
