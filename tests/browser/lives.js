// A hub of several lives: it ends, asked to or killed, and starts again on its directory. Readers find each life at one URL.
//
// It remembers what was published and the ids that the publisher was answered, which is what every reader must hear.

import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { until } from './deadline.js';
import { restartHub, startHub } from './hub.js';
import { startRelay } from './relay.js';

/**
 * Five restarts: how the life before ends, how many events are published while no reader can come, and how many once
 * all readers are back. In the third life nothing is published.
 */
export const RESTARTS = [
  { ends: 'SIGTERM', away: 3, live: 3 },
  { ends: 'SIGKILL', away: 0, live: 5 },
  { ends: 'SIGTERM', away: 0, live: 0 },
  { ends: 'SIGKILL', away: 5, live: 0 },
  { ends: 'SIGTERM', away: 0, live: 2 },
];

/** Starts the first life. */
export async function startLives(scene, ...flags) {
  // Readers are sent away at once and come back soon, and a copy is small.
  const quick = ['--drain-window', '0s', '--retry', '100ms', '--segment-bytes', '1MiB', ...flags];
  const hub = await startHub(scene, ...quick);
  const relay = await startRelay(scene, hub.port);
  return new Lives(scene, hub, relay, quick);
}

class Lives {
  /** What the log holds: `{ topic, data, id }`. */
  published = [];
  #numbers = 0;
  #copiedCount = 0;
  #scene;
  #relay;
  #flags;

  constructor(scene, hub, relay, flags) {
    this.hub = hub;
    this.#scene = scene;
    this.#relay = relay;
    this.#flags = flags;
  }

  /** Where readers find whichever life there is. */
  get url() {
    return this.#relay.url;
  }

  /**
   * Publishes events: every third to `orders/2`, the others to `orders/1`. Every fourth has an id that we chose; half of
   * these look like a place of an epoch that never was.
   */
  async publish(count) {
    for (let n = 0; n < count; n++) {
      const number = ++this.#numbers;
      const topic = number % 3 === 0 ? 'orders/2' : 'orders/1';
      const chosen = { 0: `order:${number}`, 4: `order-${number}` }[number % 8];
      const data = `event ${number}`;
      const id = await this.hub.publish(topic, data, { id: chosen });
      assert.equal(id, chosen ?? id);
      this.published.push({ topic, data, id });
    }
  }

  /** Ends this life. Readers are sent away or cut off, and cannot come back yet. */
  async end(how) {
    if (how === 'SIGKILL') await this.hub.kill();
    else assert.deepEqual(await this.hub.stop(), { code: 0, signal: null });
    this.#relay.cut();
  }

  /** Begins the next life, with some events before any reader comes back. */
  async begin({ away = 0 } = {}) {
    this.hub = await restartHub(this.#scene, this.hub.directory, ...this.#flags);
    this.#relay.to(this.hub.port);
    await this.publish(away);
    this.#relay.heal();
  }

  /** Waits until the hub has that many subscribers. */
  async attended(count) {
    const now = async () => /^tidings_subscriptions (\d+)$/m.exec(await (await fetch(`${this.hub.url}/metrics`)).text());
    await until(`${count} subscribers are there`, async () => Number((await now())[1]) === count);
  }

  /** Copies the data directory as it is now. */
  async copy() {
    await cp(this.#data, this.#copied, { recursive: true });
    this.#copiedCount = this.published.length;
  }

  /** Puts the copy in the place of the data directory, and returns the events that were published after it was made. */
  async putBack() {
    await rm(this.#data, { recursive: true });
    await cp(this.#copied, this.#data, { recursive: true });
    return this.published.splice(this.#copiedCount);
  }

  /** The history of all topics, as the publisher knows them: `{ topic, data, id }`. */
  async history() {
    const accept = { headers: { Accept: 'application/json' } };
    const answer = await fetch(`${this.hub.url}/events?topic=orders/*&limit=1000`, accept);
    return (await answer.json()).events.map(({ topic, data, id }) => ({ topic, data, id }));
  }

  get #data() {
    return join(this.hub.directory, 'data');
  }

  get #copied() {
    return join(this.hub.directory, 'copy');
  }
}
