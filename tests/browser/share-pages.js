// Pages with the browser client: an origin of their own, which serves the bundle of `clients/js/hub` as the hub does, and the tabs that open them.

import { readFile } from 'node:fs/promises';

import { until } from './deadline.js';
import { startOrigin } from './origin.js';

const BUNDLE = new URL('../../clients/js/hub/', import.meta.url);

// What a page hears is told in the order in which it was heard.
const PAGE = `<!doctype html><meta charset="utf-8"><title>tab</title><script type="module">
import { subscribe } from "/tidings.js";
self.heard = [];
self.told = [];
self.listen = (url, options = {}) => {
  const subscription = self.subscription = subscribe(url, options);
  for (const type of ["message", "gap"]) subscription.addEventListener(type, ({ type, data }) => self.heard.push(type === "gap" ? "gap " + data : data));
  subscription.addEventListener("tidings.open", (event) => (self.opening = event.json()));
  for (const type of ["open", "error", "transport"]) subscription.addEventListener(type, ({ type, status, willRetry }) => self.told.push({ type, status, willRetry }));
};
const [url, options] = JSON.parse(decodeURIComponent(location.hash.slice(1)) || "[]");
if (url) self.listen(url, options);
</script>`;

export async function startSharePages(scene) {
  return startOrigin(scene, async (request, response) => {
    const { pathname } = new URL(request.url, 'http://pages');
    if (pathname === '/') return response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(PAGE);
    const script = /^\/tidings[-A-Z0-9]*\.js$/.test(pathname) && (await readFile(new URL(`.${pathname}`, BUNDLE)).catch(() => null));
    if (!script) return response.writeHead(404).end();
    response.writeHead(200, { 'Content-Type': 'text/javascript; charset=utf-8' }).end(script);
  });
}

/** A page of a browser that listens from its beginning, also when it is loaded again. */
export async function openTab(context, origin, url, options = {}) {
  const page = await context.newPage();
  await page.goto(`${origin}/#${encodeURIComponent(JSON.stringify([String(url), options]))}`);
  return new Tab(page);
}

class Tab {
  constructor(page) {
    this.page = page;
  }

  heard() {
    return this.page.evaluate(() => self.heard);
  }

  told() {
    return this.page.evaluate(() => self.told);
  }

  state() {
    return this.page.evaluate(() => self.subscription?.state);
  }

  /** Waits until it is connected, by its own connection or that of another tab. */
  isOpen() {
    return until('the tab is open', async () => (await this.state()) === 'open');
  }

  hears(data, deadline_ms) {
    return until(`the tab hears ${data}`, async () => (await this.heard()).includes(data), deadline_ms);
  }
}

/** Streams that the hub has now; polls are among them while they are answered. `key` is one of an operator, where the hub wants one. */
export async function streamsOf(hub, key) {
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const metrics = await (await fetch(new URL('/metrics', hub.url), { headers })).text();
  return Number(/^tidings_streams (\d+)$/m.exec(metrics)[1]);
}
