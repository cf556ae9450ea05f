// The client in the life of a page and of its hub: no network, a reload, a page that is left and comes back, a hub that is
// killed, a machine that sleeps. Nothing is lost, and nothing is heard twice.

import assert from 'node:assert/strict';

import { chromium, launchOptions } from './chromium.js';
import { PATH, startSite } from './client-site.js';
import { until } from './deadline.js';
import { together } from './together.js';

const HOUR_MS = 3_600_000;
/** How often the hub says something by default. */
const HEARTBEAT_MS = 15_000;

/** Tells the page what the browser would tell it. */
const tell = (client, type) => client.page.evaluate((type) => document.dispatchEvent(new Event(type)), type);

/** The page is hidden, or seen again. A browser that is driven hides and freezes none, so that the page is told by hand. */
async function hide(client, hidden) {
  await client.page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => (hidden ? 'hidden' : 'visible') });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, hidden);
}

together('the client', {
  'no network, and a network again: it is told, asks nothing, and goes on at once': async (scene, context) => {
    // Without the browser's word it would be away for as long.
    const site = await startSite(scene, context, { retry: '1h' });
    await site.hears();
    const before = site.box.requests.length;

    // The page is told. Streams that are open are not cut by this.
    await context.setOffline(true);
    site.box.cut();
    const [error] = await site.client.told('error', 1);
    await site.publish(3);
    site.box.heal();
    await context.setOffline(false);

    await site.heardAll();
    assert.deepEqual([error.status, error.willRetry], [0, true]);
    assert.equal(site.box.requests.length, before + 1);
  },

  'a network that comes back with another address: the old socket is dead and looks open, and it notices at once': async (scene, context) => {
    const site = await startSite(scene, context);
    await site.hears();

    await context.setOffline(true);
    site.box.stall();
    await site.publish(3);
    await site.client.moveClock(1.3 * HEARTBEAT_MS);
    await context.setOffline(false);

    await site.heardAll();
    assert.equal(site.box.requests.length, 2);
  },

  'a page that is loaded again goes on where it was': async (scene, context) => {
    const site = await startSite(scene, context);
    await site.hears();

    for (let n = 0; n < 3; n++) await site.reload();
    await site.heardAll();

    const { length } = await site.client.data(0);
    assert.equal(length, site.count - Number((await site.client.data(1))[0]) + 1);
  },

  'a page that is loaded again and again while events come hears each of them once': async (scene, context) => {
    const site = await startSite(scene, context);
    await site.hears();

    let isOver = false;
    const published = (async () => {
      while (!isOver) await site.publish();
    })();
    for (let n = 0; n < 3; n++) await site.client.reload(site.url);
    isOver = true;
    await published;

    await site.heardAll();
  },

  'a page that may store nothing': async (scene, context) => {
    await context.addInitScript(() => {
      for (const area of ['localStorage', 'sessionStorage']) {
        Object.defineProperty(window, area, {
          get: () => {
            throw new DOMException('The operation is insecure.', 'SecurityError');
          },
        });
      }
    });
    const site = await startSite(scene, context, { path: PATH });
    await site.hears();

    site.box.cut();
    await site.publish();
    await site.client.told('error', 1);
    site.box.heal();

    await site.heardAll();
    assert.deepEqual(site.client.complaints, []);
  },

  'a worker, and a frame in a sandbox, subscribe as a page does': async (scene, context) => {
    const site = await startSite(scene, context, { flags: ['--cors-origin', '*'], subscribes: false });
    await site.client.page.evaluate((url) => {
      const code = `
        import { subscribe } from ${JSON.stringify(new URL('/tidings.js', location.href).href)};
        const say = (text) => (self.document ? parent.postMessage(text, '*') : postMessage(text));
        const source = subscribe(${JSON.stringify(url)});
        source.addEventListener('open', () => say('open'));
        source.addEventListener('message', ({ data }) => say(data));
      `;
      const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })), { type: 'module' });
      worker.onmessage = ({ data }) => note('worker', { data });
      const frame = document.createElement('iframe');
      frame.sandbox = 'allow-scripts';
      frame.srcdoc = `<script type="module">${code}</script>`;
      addEventListener('message', ({ data, source }) => source === frame.contentWindow && note('frame', { data }));
      document.body.append(frame);
    }, site.url);
    for (const who of ['worker', 'frame']) await site.client.told(who, 1);

    await site.publish();
    site.box.drop();
    await site.publish();

    for (const who of ['worker', 'frame']) {
      const heard = (await site.client.told(who, 4)).map(({ data }) => data);
      assert.deepEqual(heard.filter((data) => data !== 'open'), ['1', '2'], who);
    }
  },

  'a page that begins with last=2 begins so after each load, and goes on after a cut': async (scene, context) => {
    const site = await startSite(scene, context, { path: `${PATH}?last=2` });
    await site.publish(5);
    await site.heardAll();
    site.box.cut();
    await site.publish();
    await site.client.told('error', 1);
    site.box.heal();
    await site.heardAll();

    await site.client.reload(site.url);
    const heard = await site.client.data(site.count + 2);

    assert.deepEqual(heard.slice(-2), [String(site.count - 1), String(site.count)]);
  },

  'a hub that is killed and begins anew on its directory': async (scene, context) => {
    const site = await startSite(scene, context);
    await site.hears();

    await site.hub.kill();
    await site.client.told('error', 2);
    await site.restartHub();
    await site.publish(3);

    await site.heardAll();
    assert.deepEqual(await site.client.told('gap', 0), []);
  },

  'a hub in memory that is killed and begins anew: the page is told of the gap, and loads its state before it hears more': async (scene, context) => {
    const site = await startSite(scene, context, { flags: ['--memory'] });
    await site.client.page.evaluate((url) => {
      source.close();
      let done;
      window.loaded = () => done();
      listen(url, { refetch: () => (note('refetch'), new Promise((resolve) => (done = resolve)).then(() => note('refetched'))) });
    }, site.url);
    await site.hears();

    const { lastEventId } = await site.client.state();
    await site.hub.kill();
    await site.client.told('error', 1);
    await site.restartHub();
    await site.publish();
    const [gap] = await site.client.told('gap', 1);
    await site.client.told('refetch', 1);
    await site.client.page.evaluate(() => loaded());

    await site.heardAll();
    const log = await site.client.log();
    const order = log.slice(log.findIndex(({ type }) => type === 'gap')).map(({ type }) => type);
    assert.deepEqual(order.slice(0, 4), ['gap', 'refetch', 'refetched', 'message']);
    assert.deepEqual([gap.reason, gap.requested], ['other-epoch', lastEventId]);
  },

  'a machine that slept for four hours, with a socket that looks open: it notices at once': async (scene, context) => {
    const site = await startSite(scene, context);
    await site.hears();

    await tell(site.client, 'freeze');
    site.box.stall();
    await site.publish(3);
    // Its own timer ends in 37 s, which is later than the deadline.
    await site.client.moveClock(4 * HOUR_MS);
    await tell(site.client, 'resume');

    await site.heardAll();
    assert.equal(site.box.requests.length, 2);
    assert.deepEqual(await site.client.transports(), ['sse']);
  },

  'a page that is seen again after more than a heartbeat of silence does not wait for two': async (scene, context) => {
    const site = await startSite(scene, context);
    await site.hears();

    await hide(site.client, true);
    site.box.stall();
    await site.publish(3);
    await site.client.moveClock(1.3 * HEARTBEAT_MS);
    await hide(site.client, false);

    await site.heardAll();
    assert.equal(site.box.requests.length, 2);
  },

  'a socket that is dead and looks open is noticed by missing heartbeats': async (scene, context) => {
    const site = await startSite(scene, context, { flags: ['--heartbeat', '1s'] });
    await site.hears();

    site.box.stall();
    await site.publish(3);

    await site.heardAll();
    const [{ status, willRetry, message }] = await site.client.told('error', 1);
    assert.deepEqual([status, willRetry, message], [0, true, 'the connection is silent']);
    assert.deepEqual(await site.client.transports(), ['sse']);
  },

  'a page that is busy, or waits for an answer to a question, for longer than a stream may be silent: its stream stays': async (scene, context) => {
    const site = await startSite(scene, context, { flags: ['--heartbeat', '1s'] });
    await site.hears();

    for (const type of ['none', 'visibilitychange']) {
      await site.client.page.evaluate((type) => {
        for (const end = performance.now() + 4_000; performance.now() < end; );
        document.dispatchEvent(new Event(type));
      }, type);
      await site.publish();
      await site.heardAll();
    }

    assert.deepEqual(await site.client.told('error', 0), []);
    assert.equal(site.box.requests.length, 1);
  },

  'a stream that lives stays, however often the page is hidden, frozen, and seen again': async (scene, context) => {
    const site = await startSite(scene, context);
    await site.hears();

    for (let n = 0; n < 5; n++) {
      await hide(site.client, true);
      await tell(site.client, 'freeze');
      await tell(site.client, 'resume');
      await hide(site.client, false);
      await site.client.page.evaluate(() => dispatchEvent(new Event('online')));
      await site.publish();
    }

    await site.heardAll();
    assert.equal(site.box.requests.length, 1);
    assert.deepEqual(await site.client.told('error', 0), []);
  },

  'a page that nobody sees asks seldom for a hub that is away, and one that is seen often; seen again, it asks at once': async (scene, context) => {
    const [hidden, seen] = await Promise.all([startSite(scene, context), startSite(scene, context)]);
    await Promise.all([hidden.hears(), seen.hears()]);
    await hide(hidden.client, true);

    for (const { box } of [hidden, seen]) box.cut();
    const cut = [hidden.box.requests.length, seen.box.requests.length];
    await until('the page that is seen has asked five times', () => seen.box.requests.length >= cut[1] + 5);

    assert.ok(hidden.box.requests.length <= cut[0] + 1, `${hidden.box.requests.length - cut[0]} attempts`);
    await hidden.publish();
    hidden.box.heal();
    await hide(hidden.client, false);
    await hidden.heardAll();
  },

  'a browser that keeps a page that is left: it goes on where it was when it comes back': async (scene) => {
    // The browser is driven without its cache of pages unless it is asked for.
    const options = launchOptions();
    const browser = await chromium.launch({ ...options, ignoreDefaultArgs: ['--disable-back-forward-cache'] });
    scene.after(() => browser.close());
    const site = await startSite(scene, await browser.newContext());
    await site.hears();
    const { page } = site.client;
    await page.evaluate(() => addEventListener('pageshow', ({ persisted }) => note('pageshow', { persisted })));

    await page.goto(`${site.box.origin}/crowd.html`);
    await until('the page has left its stream', () => site.box.openCount === 0);
    await site.publish(3);
    await page.goBack({ waitUntil: 'commit' });

    const [{ persisted }] = await site.client.told('pageshow', 1);
    assert.equal(persisted, true);
    await site.heardAll();
    assert.equal(site.box.requests.length, 2);
  },
});
