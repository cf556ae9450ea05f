// Every transport through nginx and HAProxy, by its page in the console: which of them arrive where a proxy holds answers back
// until they end, and where it does not; and that each goes on over a cut by a proxy that waits less than the heartbeat.

import assert from 'node:assert/strict';

import { until } from '../browser/deadline.js';
import { startHub } from '../browser/hub.js';
import { scene } from '../browser/scene.js';
import { BUFFERING_WAYS, CUTTING_WAYS } from './buffering.js';
import { startVisitor } from './site.js';

/** What ends each answer, or carries a connection of its own: these arrive everywhere. */
const ARRIVE = ['long-poll', 'poll', 'pages', 'web-socket'];
/** Answers without end. */
const ENDLESS = ['sse', 'envelope', 'lines', 'iframe'];
const TOPIC = 'orders/42';

/** Opens the page of a transport. What was published to the topic before is shown, too. */
async function open(visitor, root, show) {
  const page = await visitor.newPage();
  await page.goto(`${root}/console/transports.html?show=${show}&topic=${TOPIC}`);
  const data = () => page.locator('#list .event-data').allTextContents();
  return { page, data, shows: (text) => until(`${show} shows ${text}`, async () => (await data()).includes(text)) };
}

const attended = (hub, count) => until(`${count} subscribers are there`, async () => (await subscriptions(hub)) === count);

for (const [name, way] of Object.entries(BUFFERING_WAYS)) {
  scene(`${name}: ${way.holds ? 'polls and WebSocket arrive, and answers without end do not' : 'every transport arrives'}`, async (scene) => {
    const hub = await startHub(scene, '--retry', '500ms');
    const root = await way.start(scene, hub);
    const visitor = await startVisitor(scene);

    for (const show of way.holds ? ARRIVE : [...ARRIVE, ...ENDLESS]) {
      const { page, shows } = await open(visitor, root, show);
      await page.locator('#phase[data-phase=live]').waitFor();
      await page.getByLabel('Data').fill(`from ${show}`);
      await page.locator('#publish-form .primary').click();
      await shows(`from ${show}`);
      await page.close();
    }
    if (!way.holds) return;
    const poll = await open(visitor, root, 'long-poll');
    for (const show of ENDLESS) {
      const endless = await open(visitor, root, show);
      // HAProxy may not notice yet that those before have gone.
      await until(`${show} is attended`, async () => (await subscriptions(hub)) >= 2);
      await hub.publish(TOPIC, `beside ${show}`);
      await poll.shows(`beside ${show}`);
      // What was there before may have filled a buffer of the proxy, and come.
      assert.ok(!(await endless.data()).includes(`beside ${show}`), show);
      await endless.page.close();
    }
  });

  scene(`${name}: a subscription by POST ${way.holds ? 'arrives as a poll' : 'arrives'}`, async (scene) => {
    const hub = await startHub(scene);
    const root = await way.start(scene, hub);
    await hub.publish(TOPIC, 'before');
    const mode = way.holds ? { mode: 'long-poll' } : {};
    const stop = new AbortController();
    scene.after(() => stop.abort());

    const answer = await fetch(`${root}/subscribe`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ topics: [TOPIC], last: 1, ...mode }),
      signal: stop.signal,
    });

    let text = '';
    for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.includes('data: before\n')) break;
    }
    assert.match(text, /data: before\n/);
  });
}

for (const [name, start] of Object.entries(CUTTING_WAYS)) {
  scene(`${name}: what is published while a stream is cut is heard, by every transport without end`, async (scene) => {
    // The proxy waits for two seconds, and a page that is told nothing notices after two heartbeats and a half.
    const hub = await startHub(scene, '--heartbeat', '4s', '--retry', '500ms');
    const root = await start(scene, hub);
    const visitor = await startVisitor(scene);

    for (const show of ['web-socket', ...ENDLESS]) {
      const { page, data, shows } = await open(visitor, root, show);
      await page.locator('#phase[data-phase=live]').waitFor();
      await hub.publish(TOPIC, `${show} before`);
      await shows(`${show} before`);
      await attended(hub, 0);
      await hub.publish(TOPIC, `${show} meanwhile`);

      await shows(`${show} meanwhile`);
      assert.deepEqual((await data()).slice(0, 2), [`${show} meanwhile`, `${show} before`]);
      await page.close();
      await attended(hub, 0);
    }
  });
}

for (const [name, start] of Object.entries(CUTTING_WAYS)) {
  scene(`${name}: a long poll that waits for longer than the proxy is answered 504, and a shorter one 200`, async (scene) => {
    const root = await start(scene, await startHub(scene));
    const status = async (wait) => (await fetch(`${root}/events/${TOPIC}?mode=long-poll&wait=${wait}`)).status;

    assert.deepEqual([await status('25s'), await status('1s')], [504, 200]);
  });
}

async function subscriptions(hub) {
  const text = await (await fetch(`${hub.url}/metrics`)).text();
  return Number(/^tidings_subscriptions (\d+)$/m.exec(text)[1]);
}
