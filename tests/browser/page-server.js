// A second origin: serves the plain pages of `pages/`, the browser client, and streams that a test writes by hand.

import { readFile } from 'node:fs/promises';

import { startOrigin } from './origin.js';

/** `streams` maps a path to a function that answers it. The origin lives as long as the scene. */
export async function startPageServer(scene, streams = {}) {
  const origin = await startOrigin(scene, async (request, response) => {
    const { pathname } = new URL(request.url, 'http://pages');
    if (streams[pathname]) return streams[pathname](request, response);
    const script = await readScript(pathname);
    if (script !== null) return response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(script);
    const page = await readPage(pathname);
    if (page === null) return response.writeHead(404).end();
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' }).end(page);
  });
  return { origin };
}

/** A page of `pages/`, or null. */
export async function readPage(pathname) {
  if (!/^\/[a-z-]+\.html$/.test(pathname)) return null;
  return readFile(new URL(`./pages${pathname}`, import.meta.url)).catch(() => null);
}

/** A file of the browser client, as the hub serves it, or null. */
async function readScript(pathname) {
  if (!/^\/tidings(-\w+)?\.js$/.test(pathname)) return null;
  return readFile(new URL(`../../clients/js/hub${pathname}`, import.meta.url)).catch(() => null);
}
