// A page that uses the client: `pages/client.html` in the browser, and what its subscription told it.

import { DEADLINE_MS, until } from './deadline.js';

/** Opens the page of `origin`. `browser` may be a browser or one of its contexts. `script` is the client's URL, if not of that origin. */
export async function openClientPage(scene, browser, origin, script) {
  const page = await browser.newPage();
  scene.after(() => page.close());
  const client = new ClientPage(page);
  const query = script ? `?${new URLSearchParams({ script })}` : '';
  await page.goto(`${origin}/client.html${query}`);
  await client.ready();
  return client;
}

class ClientPage {
  /** What the browser says of the page's own mistakes. */
  complaints = [];

  constructor(page) {
    this.page = page;
    page.on('pageerror', (error) => this.complaints.push(String(error)));
  }

  /** Waits until the client is loaded. */
  async ready() {
    await this.page.waitForFunction(() => window.isReady);
  }

  /** Subscribes. Options are those of `subscribe`, and `on`: more types of events. */
  async listen(url, options = {}) {
    await this.page.evaluate(([url, options]) => listen(url, options), [url, options]);
  }

  /** Loads the page again, and subscribes as before. */
  async reload(url, options = {}) {
    await this.page.reload();
    await this.ready();
    await this.listen(url, options);
  }

  /** Moves the clock of the page. */
  async moveClock(ms) {
    await this.page.evaluate((ms) => (window.aheadMs += ms), ms);
  }

  /** All that it was told, in its order: `{ type, … }`. A `load` stands where the page was loaded. */
  log() {
    return this.page.evaluate(() => window.log);
  }

  /** What it was told of one type, once that is `count` at least. */
  async told(type, count, deadline_ms = DEADLINE_MS) {
    const of = async () => (await this.log()).filter((told) => told.type === type);
    try {
      return await until(`the page is told of ${count} ${type}`, async () => (await of()).length >= count && of(), deadline_ms);
    } catch (late) {
      throw new Error(`${late.message}: ${JSON.stringify(await this.log())}`);
    }
  }

  /** The data of all messages, once they are `count` at least. */
  async data(count, deadline_ms) {
    return (await this.told('message', count, deadline_ms)).map(({ data }) => data);
  }

  /** The transports that were used since the page was loaded, in their order. */
  async transports() {
    const log = await this.log();
    const loaded = log.slice(log.findLastIndex(({ type }) => type === 'load'));
    return loaded.filter(({ type }) => type === 'transport').map(({ transport }) => transport);
  }

  /** What the subscription says of itself. */
  state() {
    return this.page.evaluate(() => ({ state: source.state, transport: source.transport, lastEventId: source.lastEventId }));
  }
}
