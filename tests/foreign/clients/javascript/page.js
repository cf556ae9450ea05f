// A client that runs in a page: Chromium, a page of the URL's own origin, and the contract's functions in the page.
//
// The harness starts one browser for all and tells its address in CHROMIUM_ENDPOINT. Without it, each client starts its own.

import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium, launchOptions } from '../../../browser/chromium.js';
import { listen, parse, say, url } from './contract.js';

const MODULES = fileURLToPath(new URL('../../node_modules/', import.meta.url));

/** Runs `program` in a page. It sees `url`, `listen`, `handed`, `opened`, `failed`, `ended` and modules below `/modules/`. */
export async function inPage(program) {
  const endpoint = process.env.CHROMIUM_ENDPOINT;
  const browser = await (endpoint ? chromium.connect(endpoint) : chromium.launch(launchOptions()));
  const page = await browser.newPage();
  const { origin } = new URL(url);
  // The page's own origin, whatever stands there, so that no answer depends on CORS.
  await page.route(`${origin}/a-page`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
  await page.route(`${origin}/modules/**`, async (route) => {
    const { pathname } = new URL(route.request().url());
    const file = MODULES + pathname.slice('/modules/'.length);
    const body = await readFile(extname(file) === '' ? `${file}.js` : file);
    await route.fulfill({ contentType: 'text/javascript', body });
  });
  await page.exposeFunction('say', say);
  page.on('pageerror', (error) => say({ error: error.message }));
  await page.goto(`${origin}/a-page`);
  await page.evaluate(contract, { url, listen, parse });
  await page.evaluate(program);
}

/** What contract.js is for the other clients. */
function contract({ url, listen, parse }) {
  Object.assign(globalThis, {
    url,
    listen,
    handed(event, data, id) {
      if (parse) JSON.parse(data);
      globalThis.say({ event: event ?? null, data, id: id ?? null });
    },
    opened: () => globalThis.say({ open: true }),
    failed: (error) => globalThis.say({ error: String(error?.message ?? error?.type ?? error) }),
    ended: () => globalThis.say({ ended: true }),
  });
}
