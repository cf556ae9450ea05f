// A page of another origin that publishes and reads history by the client.

import assert from 'node:assert/strict';

import { KEY, startAccessHub } from './access-hub.js';
import { openBundlePage, startBundleServer } from './bundle.js';
import { startHub } from './hub.js';
import { startRelay } from './relay.js';
import { together } from './together.js';

together('a page publishes, and reads what the hub holds', {
  'what it has published it finds in the history, and a subscription goes on behind that': async (scene, context) => {
    const pages = await startBundleServer(scene);
    const hub = await startHub(scene, '--cors-origin', pages.origin);
    const { page, complaints } = await openBundlePage(scene, context, pages.origin);

    const told = await page.evaluate(async (root) => {
      const url = `${root}/events/orders/42`;
      const first = await tidings.publish(url, { n: 1 }, { type: 'status' });
      const again = await tidings.publish(url, { n: 1 }, { type: 'status', key: first.key });
      const all = await tidings.publishAll(`${root}/events`, [2, 3].map((n) => ({ topic: 'orders/42', data: { n } })));
      const past = tidings.history(url, { last: 2 });
      const seen = [];
      for await (const event of past.events()) seen.push(event.json().n);
      await tidings.publish(`${root}/events`, { n: 4 }, { topic: 'orders/42' });
      for await (const event of tidings.subscribe(url, { lastEventId: past.lastEventId })) {
        seen.push(event.json().n);
        break;
      }
      const refused = await tidings.publish(url, '', { type: 'tidings.no' }).catch(({ status, problem }) => [status, problem.type]);
      return { first, again, ids: all.ids.length, seen, refused };
    }, hub.url);

    assert.deepEqual(told.again, { ...told.first, replayed: true });
    assert.deepEqual([told.ids, told.seen], [2, [2, 3, 4]]);
    assert.deepEqual(told.refused, [400, 'urn:tidings:problem:reserved-event-type']);
    assert.deepEqual(complaints, []);
  },

  'what it publishes while the network is away arrives once, when the network is back': async (scene, context) => {
    const pages = await startBundleServer(scene);
    const hub = await startAccessHub(scene, {}, '--cors-origin', pages.origin);
    const relay = await startRelay(scene, hub.port);
    const { page, noted } = await openBundlePage(scene, context, pages.origin);
    relay.cut();

    await page.evaluate(
      ([root, key]) => {
        let attempts = 0;
        const token = () => (note('attempt', { number: (attempts += 1) }), key);
        window.published = tidings.publish(`${root}/events/orders/42`, 'once', { token });
      },
      [relay.url, KEY],
    );
    await noted('it has tried twice', (log) => log.length >= 2);
    relay.heal();

    const { replayed } = await page.evaluate(() => window.published);
    const data = await page.evaluate(
      async ([root, token]) => {
        const all = [];
        for await (const event of tidings.history(`${root}/events/orders/42`, { token }).events()) all.push(event.data);
        return all;
      },
      [hub.url, KEY],
    );
    assert.equal(typeof replayed, 'boolean');
    assert.deepEqual(data, ['once']);
  },
});
