// An origin with the pages of examples/pages, and a browser that finds the CDN of their libraries here, and no other host.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';

import { startOrigin } from '../browser/origin.js';
import { EXAMPLES } from './program.js';

const MODULES = new URL('./node_modules/', import.meta.url);
const DATASTAR = new URL('./.datastar/datastar.js', MODULES);
/** Where the pages look for the hub. */
export const HUB = 'http://127.0.0.1:8080';

const TYPES = { '.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript' };

/** Serves the pages. They find the hub where `hub.url` says at the time. */
export async function startSite(scene, hubUrl) {
  return startOrigin(scene, async (request, response) => {
    const { pathname } = new URL(request.url, 'http://site');
    const type = TYPES[extname(pathname)];
    const text = type && /^\/[a-z.-]+$/.test(pathname) && (await readFile(join(EXAMPLES, 'pages', pathname), 'utf8').catch(() => null));
    if (!text) return response.writeHead(404).end();
    response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(text.replaceAll(HUB, hubUrl()));
  });
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
