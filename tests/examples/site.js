// An origin with the pages of examples/pages, and a browser that finds the CDN of their libraries here, and no other host.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';

import { startOrigin } from '../browser/origin.js';
import { bundle } from './bundle.js';
import { EXAMPLES } from './program.js';

const MODULES = new URL('./node_modules/', import.meta.url);
const DATASTAR = new URL('./.datastar/datastar.js', MODULES);
/** Where the pages look for the hub. */
export const HUB = 'http://127.0.0.1:8080';

const TYPES = { '.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript', '.jsx': 'text/javascript', '.json': 'application/json' };

/** Serves the pages; a script named main is bundled. They find the hub at `hubUrl()`, and `loaded()` is what the server itself knows. */
export async function startSite(scene, hubUrl, loaded = () => []) {
  return startOrigin(scene, async (request, response) => {
    const { pathname } = new URL(request.url, 'http://site');
    const text = pathname === '/orders.json' ? JSON.stringify(await loaded()) : await textOf(pathname);
    if (text === null) return response.writeHead(404).end();
    const headers = { 'Content-Type': TYPES[extname(pathname)], 'Cache-Control': 'no-store' };
    response.writeHead(200, headers).end(text.replaceAll(HUB, hubUrl()));
  });
}

async function textOf(pathname) {
  if (!/^(\/[a-z]+)?\/[a-z-]+\.\w+$/.test(pathname) || !TYPES[extname(pathname)]) return null;
  const file = join(EXAMPLES, 'pages', pathname);
  return /\/main\.jsx?$/.test(pathname) ? bundle(file) : readFile(file, 'utf8').catch(() => null);
}

/** A context of the browser in which the CDN has the packages of npm as they are, so that the hashes in the pages are checked, too. */
export async function newVisitor(browser) {
  const context = await browser.newContext({ locale: 'en-US' });
  await context.route(/^https?:\/\/(?!127\.0\.0\.1[:/])/, async (route) => {
    const file = fileOf(route.request().url());
    assert.ok(file, `a page asked for ${route.request().url()}`);
    const headers = { 'access-control-allow-origin': '*', 'content-type': 'text/javascript' };
    await route.fulfill({ body: await readFile(file), headers });
  });
  return context;
}

function fileOf(url) {
  if (/^https:\/\/cdn\.jsdelivr\.net\/gh\/starfederation\/datastar@v1\.0\.1\/bundles\/datastar\.js$/.test(url)) return DATASTAR;
  const npm = /^https:\/\/cdn\.jsdelivr\.net\/npm\/((?:@[\w.-]+\/)?[\w.-]+)@[\w.-]+\/([\w./-]+)$/.exec(url);
  return npm && new URL(`./${npm[1]}/${npm[2]}`, MODULES);
}
