// One connection for all tabs of a browser, over HTTP/1.1, of which a browser has six to one host. The first tab that is opened leads.

import assert from 'node:assert/strict';

import { KEY, startAccessHub, tokenFor } from './access-hub.js';
import { chromium, launchOptions, startChromium } from './chromium.js';
import { until } from './deadline.js';
import { restartHub, startHub } from './hub.js';
import { scene } from './scene.js';
import { openTab, startSharePages, streamsOf } from './share-pages.js';

async function cast(scene, { start = startHub, launch = startChromium } = {}) {
  const origin = await startSharePages(scene);
  const hub = await start(scene, '--cors-origin', origin);
  const browser = await launch(scene);
  const context = await browser.newContext();
  return { origin, hub, context, events: (path) => new URL(path, hub.url) };
}

/** Some tabs that have come to one connection. */
async function openTabs({ origin, context, hub, events }, count, path = '/events/orders/42') {
  const tabs = [];
  for (let tab = 0; tab < count; tab += 1) tabs.push(await openTab(context, origin, events(path)));
  for (const tab of tabs) await tab.isOpen();
  await onlyOneStream(hub);
  return tabs;
}

const onlyOneStream = (hub, deadline_ms) => until('the hub has one stream', async () => (await streamsOf(hub)) === 1, deadline_ms);

/** Publishes without a pause, until it is told to end; then the numbers that were published. */
function publishing(hub, topic = 'orders/42') {
  let isOver = false;
  const done = (async () => {
    const published = [];
    while (!isOver) {
      published.push(String(published.length));
      await hub.publish(topic, published.at(-1));
    }
    return published;
  })();
  // A scene that fails ends its hub.
  done.catch(() => {});
  return { end: () => ((isOver = true), done) };
}

/** Each tab has heard all of it, each once and in order. */
async function allHear(tabs, published, deadline_ms) {
  for (const tab of tabs) await tab.hears(published.at(-1), deadline_ms);
  for (const tab of tabs) assert.deepEqual(await tab.heard(), published);
}

scene('ten tabs hear everything over one connection', async (scene) => {
  const site = await cast(scene);
  const tabs = await openTabs(site, 10);
  const publisher = publishing(site.hub);

  await tabs[9].hears('20');
  await allHear(tabs, await publisher.end());
  assert.equal(await streamsOf(site.hub), 1);
});

scene('two dozen tabs with a connection each would wait for ever, and share one', async (scene) => {
  const site = await cast(scene);
  const tabs = await openTabs(site, 24);
  const publisher = publishing(site.hub);

  await tabs[23].hears('5');
  await allHear(tabs, await publisher.end());
});

// Whether the leader has gone before it could tell what it had heard does not matter: the next one asks for it.
for (const [name, end] of [
  ['is closed', (page) => page.close()],
  ['crashes', async (page) => (await page.context().newCDPSession(page)).send('Page.crash').catch(() => {})],
  ['is loaded again', (page) => page.reload()],
  ['goes elsewhere', (page) => page.goto('about:blank')],
]) {
  scene(`a leader that ${name} while events are published: the others lose none and hear none twice`, async (scene) => {
    const site = await cast(scene);
    const [leader, ...others] = await openTabs(site, 5);
    const publisher = publishing(site.hub);
    await others[0].hears('10');

    void end(leader.page).catch(() => {});
    const before = (await others[0].heard()).length;
    await others[0].hears(String(before + 50));

    await allHear(others, await publisher.end());
    await onlyOneStream(site.hub);
  });
}

scene('tabs are closed one after the other while events are published', async (scene) => {
  const site = await cast(scene);
  const tabs = await openTabs(site, 6);
  const last = tabs.at(-1);
  const publisher = publishing(site.hub);

  while (tabs.length > 1) {
    const before = (await last.heard()).length;
    await last.hears(String(before + 5));
    await tabs.shift().page.close();
  }
  await allHear([last], await publisher.end());
});

scene('a leader that is frozen hands over, and hears all once it is back', async (scene) => {
  const site = await cast(scene);
  const [leader, ...others] = await openTabs(site, 3);
  const devtools = await site.context.newCDPSession(leader.page);
  const publisher = publishing(site.hub);
  await others[0].hears('10');

  await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
  const before = (await others[0].heard()).length;
  await others[0].hears(String(before + 50));
  await devtools.send('Page.setWebLifecycleState', { state: 'active' });
  const published = await publisher.end();

  await allHear([leader, ...others], published);
  await onlyOneStream(site.hub);
});

scene('a leader that is busy for long is replaced', async (scene) => {
  const site = await cast(scene);
  const [leader, ...others] = await openTabs(site, 3);
  const publisher = publishing(site.hub);
  await others[0].hears('10');

  // It does nothing but this, so that its lock is taken away from it.
  const busy = leader.page.evaluate(() => {
    const end = performance.now() + 25_000;
    while (performance.now() < end);
  });
  const before = await until('the others hear nothing more', async () => {
    const { length } = await others[0].heard();
    await new Promise((resolve) => setTimeout(resolve, 500));
    return (await others[0].heard()).length === length && length;
  });
  await others[0].hears(String(before + 10), 30_000);
  const published = await publisher.end();

  await allHear(others, published);
  await busy;
  await allHear([leader], published);
  await onlyOneStream(site.hub);
});

scene('a leader in the back-forward cache hands over, and comes back as one of the others', async (scene) => {
  const launch = async (scene) => {
    const browser = await chromium.launch({ ...launchOptions(), ignoreDefaultArgs: ['--disable-back-forward-cache'] });
    scene.after(() => browser.close());
    return browser;
  };
  const site = await cast(scene, { launch });
  const [leader, ...others] = await openTabs(site, 3);
  const page = leader.page;
  await page.evaluate(() => addEventListener('pageshow', ({ persisted }) => (self.isBack = persisted)));
  const publisher = publishing(site.hub);
  await others[0].hears('10');

  await page.goto(`${site.hub.url}/healthz`);
  const before = (await others[0].heard()).length;
  await others[0].hears(String(before + 20));
  await page.goBack({ waitUntil: 'commit' });
  await until('the browser has kept the page', () => page.evaluate(() => self.isBack));
  const published = await publisher.end();

  await allHear([leader, ...others], published);
  await onlyOneStream(site.hub);
});

scene('a tab with other topics comes, hears what it missed, and what is published from then on', async (scene) => {
  const site = await cast(scene);
  const { origin, context, hub, events } = site;
  for (let event = 0; event < 5; event += 1) await hub.publish('news/a', `old ${event}`);
  const tabs = await openTabs(site, 2);
  const publisher = publishing(hub);
  await tabs[0].hears('3');

  const news = await openTab(context, origin, events('/events/news/*?last=3'));
  await news.hears('old 4');
  for (let event = 0; event < 20; event += 1) await hub.publish('news/a', `new ${event}`);
  await news.hears('new 19');

  const numbers = Array.from({ length: 20 }, (_, event) => `new ${event}`);
  assert.deepEqual(await news.heard(), ['old 2', 'old 3', 'old 4', ...numbers]);
  await allHear(tabs, await publisher.end());
  await onlyOneStream(hub);
});

scene('a tab that is loaded again hears what was published meanwhile', async (scene) => {
  const site = await cast(scene);
  const tabs = await openTabs(site, 3);
  await site.hub.publish('orders/42', 'before');
  for (const tab of tabs) await tab.hears('before');

  const events = Array.from({ length: 20 }, (_, index) => `event ${index}`);
  const reloads = tabs[2].page.reload();
  for (const event of events) await site.hub.publish('orders/42', event);
  await reloads;
  await site.hub.publish('orders/42', 'last');
  await tabs[2].hears('last');

  // The page that was left has heard the first of them, or all.
  const heard = await tabs[2].heard();
  const all = [...events, 'last'];
  assert.deepEqual(heard, all.slice(all.length - heard.length));
});

scene('tabs of two users share nothing, and tabs with two tokens of one user do', async (scene) => {
  const { origin, hub, context, events } = await cast(scene, { start: (scene, ...flags) => startAccessHub(scene, {}, ...flags) });
  const open = (path, token) => openTab(context, origin, events(path), { token });
  const ann = [await open('/events/ann/mail', tokenFor(['ann/**'], { user: 'ann' })), await open('/events/ann/mail', tokenFor(['ann/**'], { user: 'ann', seconds: 700 }))];
  const bob = await open('/events/bob/mail', tokenFor(['bob/**'], { user: 'bob' }));
  for (const tab of [...ann, bob]) await tab.isOpen();
  await until('each user has a stream', async () => (await streamsOf(hub, KEY)) === 2);

  // He wants what she reads, and the hub refuses him.
  const curious = await open('/events/ann/mail', tokenFor(['bob/**'], { user: 'bob' }));
  await until('he is refused', async () => (await curious.state()) === 'closed');
  await hub.publish('ann/mail', 'for Ann');
  await hub.publish('bob/mail', 'for Bob');
  for (const tab of ann) await tab.hears('for Ann');
  await bob.hears('for Bob');

  for (const tab of ann) assert.deepEqual(await tab.heard(), ['for Ann']);
  assert.deepEqual(await bob.heard(), ['for Bob']);
  assert.deepEqual(await curious.heard(), []);
  assert.equal((await curious.told()).find(({ type }) => type === 'error').status, 403);
});

scene('a tab whose token gives more than that of the leader hears what it may', async (scene) => {
  const { origin, hub, context, events } = await cast(scene, { start: (scene, ...flags) => startAccessHub(scene, {}, ...flags) });
  const little = await openTab(context, origin, events('/events/a/1'), { token: tokenFor(['a/**']) });
  await little.isOpen();
  const much = await openTab(context, origin, events('/events/b/1'), { token: tokenFor(['a/**', 'b/**']) });
  await much.isOpen();

  await until('both hear', async () => {
    await hub.publish('a/1', 'a');
    await hub.publish('b/1', 'b');
    return (await little.heard()).includes('a') && (await much.heard()).includes('b');
  });
  assert.ok(!(await little.heard()).includes('b'));
});

scene('a hub that is killed and begins again is found by all tabs', async (scene) => {
  const site = await cast(scene);
  const tabs = await openTabs(site, 4);
  await site.hub.publish('orders/42', 'before');
  for (const tab of tabs) await tab.hears('before');

  await site.hub.kill();
  for (const tab of tabs) await until('the tab knows', async () => (await tab.state()) !== 'open');
  const again = await restartHub(scene, site.hub.directory, ...site.hub.flags, '--listen', `127.0.0.1:${site.hub.port}`);
  await again.publish('orders/42', 'after');

  for (const tab of tabs) await tab.hears('after');
  for (const tab of tabs) assert.deepEqual(await tab.heard(), ['before', 'after']);
  for (const tab of tabs) assert.equal((await tab.told()).find(({ type }) => type === 'error')?.willRetry, true);
  await onlyOneStream(again);
});

scene('where tabs cannot share, each has a connection of its own', async (scene) => {
  // Neither https nor localhost: such a page has no locks.
  const launch = (scene) => startChromium(scene, ['--host-resolver-rules=MAP plain.test 127.0.0.1']);
  const origin = await startSharePages(scene);
  const there = origin.replace('127.0.0.1', 'plain.test');
  const hub = await startHub(scene, '--cors-origin', origin, '--cors-origin', there);
  const browser = await launch(scene);
  const [plain, broken] = [await browser.newContext(), await browser.newContext()];
  const url = new URL('/events/orders/42', hub.url);
  // What is loaded later does not come.
  await broken.route(/tidings-[A-Z0-9]{8}\.js/, (route) => route.abort());
  const tabs = [];
  for (const [context, from] of [[plain, there], [plain, there], [broken, origin], [broken, origin]]) tabs.push(await openTab(context, from, url));
  for (const tab of tabs) await tab.isOpen();

  await hub.publish('orders/42', 'event');
  for (const tab of tabs) await tab.hears('event');
  assert.equal(await tabs[0].page.evaluate(() => self.isSecureContext), false);
  assert.equal(await streamsOf(hub), 4);
});

scene('a page is told of the connection, but not by the name that keeps an event from it', async (scene) => {
  const site = await cast(scene);
  const tabs = await openTabs(site, 2);

  for (const tab of tabs) {
    const opening = await until('the tab is told where the stream begins', () => tab.page.evaluate(() => self.opening));
    assert.equal(opening.connection, undefined);
    assert.match(opening.shared_connection, /^[0-9a-z]{13}$/);
  }
});
