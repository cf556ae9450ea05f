// A page with `<tidings-inbox>`, from an origin that also has the bundle of `clients/js/hub` and, of a hub, the inboxes of a test.

import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

import { InboxHub } from '../../clients/js/tests/support/inbox-hub.js';
import { until } from './deadline.js';

const BUNDLE = new URL('../../clients/js/hub/', import.meta.url);
/** The strictest policy under which the script may run. */
const POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; require-trusted-types-for 'script'";

/** The page: `attributes` of the element, in a page whose rules are rude. */
export function pageOf(attributes, { lang = 'en', script = '/tidings-inbox.js' } = {}) {
  return `<!doctype html>
<html lang="${lang}"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>page</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<script type="module" src="${script}"></script>
<header><a href="/before">before</a><tidings-inbox ${attributes}></tidings-inbox><a href="/after">after</a></header>
</html>`;
}

export const PAGE_CSS = 'header { display: flex; justify-content: space-between } button, li, a { color: red; display: inline; padding: 40px } * { letter-spacing: 3px }';

/** A hub of the tests with pages, each by its path. */
export async function startInboxPages(scene, pages) {
  const hub = await new InboxHub().start();
  scene.after(() => hub.stop());
  for (const name of (await readdir(BUNDLE)).filter((name) => name.endsWith('.js'))) {
    hub.files.set(`/${name}`, { type: 'text/javascript', headers: { 'access-control-allow-origin': '*' }, text: () => readFile(new URL(name, BUNDLE), 'utf8') });
  }
  hub.files.set('/page.css', { type: 'text/css', text: async () => PAGE_CSS });
  for (const [path, page] of Object.entries(pages)) {
    hub.files.set(path, { type: 'text/html; charset=utf-8', headers: { 'content-security-policy': `${POLICY}; style-src 'self'` }, text: async () => page });
  }
  return hub;
}

/** A site of another origin, with pages by their path. `asked` has the path of each request. */
export async function startSite(scene, pages) {
  const asked = [];
  const server = createServer(({ url }, response) => {
    asked.push(url);
    const page = pages[url];
    response.writeHead(page ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' }).end(page);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scene.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}`, asked };
}

/** Opens a page, and looks at its element. `context` may be a browser. */
export async function openInboxPage(scene, context, url) {
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  scene.after(() => page.close());
  await page.goto(url);
  return new InboxPage(page, complaints);
}

class InboxPage {
  constructor(page, complaints) {
    Object.assign(this, { page, complaints });
    this.element = page.locator('tidings-inbox');
    this.bell = this.element.locator('.bell');
    this.panel = this.element.locator('.panel');
    this.rows = this.element.locator('.row');
  }

  /** What the badge says; empty if it is not shown. */
  badge() {
    return this.element.evaluate(({ shadowRoot }) => {
      // Before the script has come it is no inbox yet.
      const badge = shadowRoot?.querySelector('.badge');
      return !badge || badge.hidden ? '' : badge.textContent;
    });
  }

  badgeIs(text) {
    return until(`the badge is "${text}"`, async () => (await this.badge()) === text);
  }

  async open() {
    await this.bell.click();
    await this.panel.waitFor();
  }

  /** Of all rows: whether it is unread, and the title. */
  list() {
    return this.rows.evaluateAll((rows) => rows.map((row) => [row.classList.contains('is-unread'), row.querySelector('.name').textContent]));
  }

  listIs(list) {
    return until(`the list is ${JSON.stringify(list)}`, async () => JSON.stringify(await this.list()) === JSON.stringify(list));
  }

  /** What has the focus: its first class, or its tag. */
  focused() {
    return this.page.evaluate(() => {
      const { activeElement } = document;
      const inner = activeElement.shadowRoot?.activeElement ?? activeElement;
      return inner.classList[0] ?? inner.localName;
    });
  }
}
