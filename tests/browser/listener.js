// A listener: the page `pages/listener.html` open in the browser, and what it heard.

import { DEADLINE_MS } from './deadline.js';

const LOOK_AGAIN_MS = 20;

/** A script whose `EventSource` takes the place of the browser's own. */
let script;

/** From now on all listeners use the `EventSource` of this script. */
export function useEventSourceOf(url) {
  script = url;
}

/**
 * Opens a page of the given origin whose `new EventSource(url)` listens by `onmessage` and, for every name in `on`,
 * by `addEventListener(name)`. `browser` may be a browser or one of its contexts.
 */
export async function openListener(scene, browser, origin, url, { on = [], credentials = false } = {}) {
  const page = await browser.newPage();
  scene.after(() => page.close());
  const listener = new Listener(page);
  const query = new URLSearchParams([['url', url], ...on.map((name) => ['on', name])]);
  if (script) query.set('script', script);
  if (credentials) query.set('credentials', '');
  await page.goto(`${origin}/listener.html?${query}`);
  return listener;
}

class Listener {
  /** What the browser's console says, errors of the network among it. */
  console = [];

  constructor(page) {
    this.page = page;
    page.on('console', (message) => this.console.push(message.text()));
    page.on('pageerror', (error) => this.console.push(String(error)));
  }

  /** All that it heard, once that is at least `count` events: `{ by, type, data, lastEventId }`. */
  heard(count) {
    return this.#list('heard', count);
  }

  /** The `readyState` at every `open`, once there were `count`. */
  opens(count) {
    return this.#list('opens', count);
  }

  /** The `readyState` at every `error`, once there were `count`. */
  errors(count) {
    return this.#list('errors', count);
  }

  /** What it heard, as data alone. */
  async data(count) {
    return (await this.heard(count)).map((event) => event.data);
  }

  async #list(name, count) {
    const enough = ([name, count]) => window.listener[name].length >= count && window.listener[name];
    try {
      const list = await this.page.waitForFunction(enough, [name, count], {
        polling: LOOK_AGAIN_MS,
        timeout: DEADLINE_MS,
      });
      return await list.jsonValue();
    } catch (error) {
      const state = await this.page.evaluate(() => window.listener).catch(() => 'the page is gone');
      throw new Error(`${error.message}: waited for ${count} ${name}, have ${JSON.stringify(state)}`);
    }
  }
}
