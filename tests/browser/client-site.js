// A hub, what stands before it, and a page that uses the client: what is published is numbered, so that what is lost or heard twice
// shows.

import assert from 'node:assert/strict';

import { openClientPage } from './client-page.js';
import { until } from './deadline.js';
import { restartHub, startHub } from './hub.js';
import { startMiddlebox } from './middlebox.js';

export const TOPIC = 'orders/42';
/** Where events come from, below any origin. */
export const PATH = `/events/${TOPIC}`;

/** A transport is given up after four seconds. Three of them, and a busy machine. */
export const DEADLINE_MS = 30_000;

/**
 * A hub behind a middlebox. `rule` is that of the middlebox; `retry` and `flags` are the hub's, and `start` starts it. The rest is as for
 * `openSite`.
 */
export async function startSite(scene, context, { rule, retry = '200ms', flags = [], start = startHub, ...rest } = {}) {
  const hub = await start(scene, '--retry', retry, ...flags);
  const box = await startMiddlebox(scene, hub.port, rule);
  return Object.assign(await openSite(scene, context, hub, box.origin, rest), { box });
}

/**
 * A page of `pages`, which subscribes to a hub that is found at `origin`. `options` are those of `subscribe`; `path` may have parameters.
 * With `subscribes: false` the page waits for the test to subscribe.
 */
export async function openSite(scene, context, hub, origin, { options = {}, path = PATH, subscribes = true, pages = origin } = {}) {
  const site = new Site(scene, hub, `${origin}${path}`, options);
  site.client = await openClientPage(scene, context, pages, `${origin}/tidings.js`);
  if (subscribes) await site.client.listen(site.url, options);
  return site;
}

class Site {
  /** How many were published. */
  count = 0;
  #scene;
  #options;
  #flags;

  constructor(scene, hub, url, options) {
    Object.assign(this, { hub, url });
    this.#scene = scene;
    this.#options = options;
    this.#flags = [...hub.flags, '--listen', `127.0.0.1:${hub.port}`];
  }

  /** Publishes the next number. */
  async publish(times = 1) {
    for (let n = 0; n < times; n++) await this.hub.publish(TOPIC, String(++this.count));
  }

  /** Publishes until the page has heard something, and a few more. */
  async hears() {
    const hasHeard = async () => {
      await this.publish();
      return (await this.client.data(0)).length > 0;
    };
    await until('the page hears', hasHeard, DEADLINE_MS).catch(async (late) => {
      throw new Error(`${late.message}: ${JSON.stringify(await this.client.log())}`);
    });
    await this.publish(3);
    await this.heardAll();
  }

  /** Waits until the last number has come. All since the first that was heard have come, each once and in its order. */
  async heardAll(deadline_ms = DEADLINE_MS) {
    const hasLast = async () => (await this.client.data(0)).includes(String(this.count));
    await until('the page has heard all', hasLast, deadline_ms).catch(async (late) => {
      throw new Error(`${late.message}, ${this.count} of them: ${JSON.stringify(await this.client.log())}`);
    });
    const heard = await this.client.data(1);
    assert.deepEqual(heard, Array.from(heard, (_, n) => String(this.count - heard.length + 1 + n)));
  }

  /** Loads the page again, while something is published. */
  async reload() {
    await this.publish();
    await this.client.reload(this.url, this.#options);
    await this.publish();
  }

  /** Begins a hub anew that was killed, on its directory and its port. */
  async restartHub() {
    this.hub = await restartHub(this.#scene, this.hub.directory, ...this.#flags);
  }
}
