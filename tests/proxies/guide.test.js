// Each configuration of the guide that Debian has the proxy for: the console in a browser, a topic's page, a stream of events
// that is published while it is watched, and a refusal that arrives.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { until } from '../browser/deadline.js';
import { restartHub } from '../browser/hub.js';
import { openListener } from '../browser/listener.js';
import { startPageServer } from '../browser/page-server.js';
import { scene } from '../browser/scene.js';
import { openConsole } from './console-page.js';
import { titles } from './guide.js';
import { KEY, startGuideSite, startVisitor } from './site.js';

/** Runs curl through the proxy, as a publisher who has the key. */
function curl(site, path, ...args) {
  const always = ['-sS', '--insecure', '--resolve', `hub.example:${site.port}:127.0.0.1`, '-H', `Authorization: Bearer ${KEY}`];
  const child = spawn('curl', [...always, ...args, site.url + path], { stdio: ['pipe', 'pipe', 'pipe'] });
  const output = { text: '', errors: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (output.text += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (output.errors += text));
  return { child, output, ended: once(child, 'close').then(([code]) => ({ code, ...output })) };
}

/** Publishes, and waits for the answer. */
async function publish(site, data) {
  const { text, errors } = await curl(site, '/events/orders', '-d', data, '--retry', '10', '--retry-all-errors').ended;
  assert.match(text, /"id"/, errors);
}

// More than the delay after which a browser comes back by itself, of 3 s.
const AWAY_MS = 5_000;

/** What may stand behind `/events/`, and the topic that it is; null for what the hub refuses. */
const SENT = {
  'x%2Fy': 'x/y',
  'a%2F%2Fb': 'a//b',
  '%2Fa': '/a',
  'a%2F..%2Fb': null,
  'https%3A%2F%2Fexample.com%2F': 'https://example.com/',
  'caf%C3%A9%20%25%2B+': 'caf\u00e9 %++',
  'a%252Fb': 'a%2Fb',
  'a%3Fb%23c': 'a?b#c',
  'push/events/x': 'push/events/x',
  'a//b': null,
  '/a': null,
};

const SAID = [...titles('nginx'), ...titles('HAProxy'), ...titles('Caddy')];

for (const title of SAID) {
  const name = title.replace(/\W+/g, '-').toLowerCase();

  scene(`${title}: the console is live, publishes, and comes in HTTP/2`, async (scene) => {
    const site = await startGuideSite(scene, title);
    const visitor = await startVisitor(scene);
    const page = await openConsole(visitor, `${site.url}/`);

    await page.publishes({ topic: 'orders/42', data: 'from the form' });
    const topic = await openConsole(visitor, `${site.url}/events/orders/42`);
    await topic.publishes({ data: 'from the topic\u2019s page' });
    await page.shows('from the topic\u2019s page');
    await page.shoot(name);
    await topic.shoot(`${name}-topic`);

    assert.equal(await page.protocol(), 'h2');
    page.assertQuiet();
    topic.assertQuiet();
  });

  scene(`${title}: a topic arrives as it was sent, or is refused as the hub refuses it`, async (scene) => {
    const site = await startGuideSite(scene, title);

    for (const [path, topic] of Object.entries(SENT)) {
      const { text, errors } = await curl(site, `/events/${path}?event=sent%26as%2Bis`, '--path-as-is', '-d', path).ended;
      assert.equal(typeof JSON.parse(text).id, topic === null ? 'undefined' : 'string', `${path}: ${text}${errors}`);
    }

    const answer = await fetch(`${site.hub.url}/events?topic=**&since=earliest`, { headers: { accept: 'application/json' } });
    const { events } = await answer.json();
    assert.deepEqual(
      events.map(({ topic, type, data }) => [data, topic, type]),
      Object.entries(SENT).flatMap(([path, topic]) => (topic === null ? [] : [[path, topic, 'sent&as+is']])),
    );
  });

  scene(`${title}: the page of a topic with encoded slashes is live`, async (scene) => {
    const site = await startGuideSite(scene, title);
    const visitor = await startVisitor(scene);

    for (const path of ['x%2Fy', 'a%2F%2Fb', 'https%3A%2F%2Fexample.com%2F']) {
      const page = await openConsole(visitor, `${site.url}/events/${path}`);
      await page.publishes({ data: path });
      page.assertQuiet();
    }
  });

  scene(`${title}: events of a request that has not ended are published`, async (scene) => {
    const site = await startGuideSite(scene, title);
    const producer = curl(site, '/events/log', '-T', '-', '-X', 'POST', '-H', 'Content-Type: text/event-stream', '--no-buffer');
    scene.after(() => producer.child.kill());
    const watcher = curl(site, '/events/log?since=earliest', '-N');
    scene.after(() => watcher.child.kill());

    for (const line of ['one', 'two', 'three']) {
      producer.child.stdin.write(`data: ${line}\n\n`);
      await until(`${line} is heard`, () => watcher.output.text.includes(`data: ${line}\n`));
    }
    producer.child.stdin.end();

    assert.equal(JSON.parse((await producer.ended).text).published, 3);
  });

  scene(`${title}: a body that is too large is refused, and the publisher reads why`, async (scene) => {
    const site = await startGuideSite(scene, title);
    // Over HTTP/2, Go's server, which is Caddy's, resets the stream behind the answer, and curl 7.88 then loses the answer now and
    // then: also where a server behind Caddy sends all of it and reads on.
    const publisher = curl(site, '/events/large', '--http1.1', '--data-binary', '@-', '-H', 'Content-Type: text/plain', '-H', 'Expect:');
    publisher.child.stdin.on('error', () => {});
    publisher.child.stdin.end('x'.repeat(5 * 1_048_576));

    const { text, errors } = await publisher.ended;
    assert.equal(JSON.parse(text || '{}').status, 413, errors);
  });

  scene(`${title}: a WebSocket and a frame hear what is published, and go on over a restart of the hub`, async (scene) => {
    const site = await startGuideSite(scene, title, '--drain-window', '0s');
    const visitor = await startVisitor(scene);
    const open = async (show) => {
      const page = await visitor.newPage();
      await page.goto(`${site.url}/console/transports.html?show=${show}&topic=orders`);
      await page.locator('#phase[data-phase=live]').waitFor();
      return page;
    };
    const shown = (page, text) => page.locator('#list .event').filter({ hasText: text }).waitFor();
    const pages = [await open('web-socket'), await open('iframe')];
    await publish(site, 'before');
    for (const page of pages) await shown(page, 'before');

    await site.hub.stop();
    await restartHub(scene, site.hub.directory, ...site.hub.flags, '--listen', `127.0.0.1:${site.hub.port}`);
    await publish(site, 'after');

    for (const page of pages) await shown(page, 'after');
  });

  scene(`${title}: a native EventSource outlives a hub that is killed and away for a time`, async (scene) => {
    const pages = await startPageServer(scene);
    const site = await startGuideSite(scene, title, '--cors-origin', pages.origin);
    const listener = await openListener(scene, await startVisitor(scene), pages.origin, `${site.url}/events/orders`);
    await listener.opens(1);
    await publish(site, 'before');
    await listener.heard(1);

    await site.hub.kill();
    await listener.errors(1);
    // It asks at least once while there is no hub.
    await sleep(AWAY_MS);
    await restartHub(scene, site.hub.directory, ...site.hub.flags, '--listen', `127.0.0.1:${site.hub.port}`);
    await publish(site, 'after');

    assert.deepEqual(await listener.data(2), ['before', 'after']);
  });
}
