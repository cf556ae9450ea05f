// Five clients in five languages through each proxy: each hears what is published while it listens, comes back by itself when
// the hub ends and begins anew, and hears what it missed.

import assert from 'node:assert/strict';

import { until } from '../browser/deadline.js';
import { restartHub, startHub } from '../browser/hub.js';
import { scene } from '../browser/scene.js';
import { startClient } from '../foreign/clients/client.js';
import { CLIENTS } from '../foreign/clients/roster.js';
import { WAYS } from './ways.js';

/** Clients that come back by themselves, by the beginning of their names in the roster. */
const NAMES = ['npm `eventsource` 4', 'PyPI `aiohttp-sse-client`', 'Go `launchdarkly/eventsource`', 'Maven `okhttp-eventsource`', '`tidings sub'];

// Five programs start on a small machine, two of them virtual machines.
const SOON_MS = 60_000;

const five = NAMES.map((name) => {
  const client = CLIENTS.find((client) => client.name.startsWith(name));
  assert.ok(client, `the roster has no client ${name}`);
  return client;
});

/** Waits until every client was handed this data. */
async function heard(runs, data) {
  const deaf = () => runs.filter((run) => !run.has(data)).map(({ client, errors, talk }) => ({ client: client.name, errors, talk }));
  await until(`all hear ${data}`, () => deaf().length === 0, SOON_MS).catch((late) => {
    throw new Error(`${late.message}: ${JSON.stringify(deaf())}`);
  });
}

for (const [name, way] of Object.entries(WAYS)) {
  scene(`${name}: five clients in five languages hear everything, over a restart of the hub`, async (scene) => {
    const hub = await startHub(scene, '--retry', '2s', ...way.flags);
    const url = `${await way.start(scene, hub)}/events/orders`;
    const runs = five.map((client) => startClient(scene, client, url));
    await until('all five are attended', async () => (await subscriptions(hub)) === five.length, SOON_MS);
    await hub.publish('orders', '{"n":1}');
    await heard(runs, '{"n":1}');

    await hub.stop();
    const next = await restartHub(scene, hub.directory, ...hub.flags, '--listen', `127.0.0.1:${hub.port}`);
    await next.publish('orders', '{"n":2}');

    await heard(runs, '{"n":2}');
    for (const run of runs) {
      const data = run.handed.map((thing) => thing.data).filter((data) => data.includes('"n"'));
      assert.deepEqual(data, ['{"n":1}', '{"n":2}'], run.client.name);
    }
  });
}

/** Streams that the hub has now, by its metrics. */
async function subscriptions(hub) {
  const text = await (await fetch(`${hub.url}/metrics`)).text();
  return Number(/^tidings_subscriptions (\d+)$/m.exec(text)[1]);
}
