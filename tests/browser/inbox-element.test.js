// `<tidings-inbox>` in a page with a strict policy and rude rules: what it shows, what keys and screen readers find, and what it refuses to do. The hub is
// one of the tests, so that it can refuse and fall silent.

import assert from 'node:assert/strict';

import { startChromium } from './chromium.js';
import { until } from './deadline.js';
import { openInboxPage, pageOf, startInboxPages, startSite } from './inbox-pages.js';
import { scene } from './scene.js';

const PAGES = { '/': pageOf('user="alice"'), '/zh': pageOf('user="alice"', { lang: 'zh-CN' }), '/none': pageOf('') };

async function start(scene, options = {}) {
  const hub = await startInboxPages(scene, PAGES);
  const browser = await startChromium(scene);
  const context = await browser.newContext(options);
  return { hub, browser, context };
}

scene('the badge moves, the panel lists, and what is chosen is read', async (scene) => {
  const { hub, context } = await start(scene);
  hub.does('alice', (model) => model.notify({ title: 'first' }));
  const page = await openInboxPage(scene, context, hub.url);
  await page.badgeIs('1');

  hub.does('alice', (model) => model.notify({ title: 'second', body: 'text', kind: 'k' }));
  await page.badgeIs('2');
  await page.open();
  assert.deepEqual(await page.list(), [[true, 'second'], [true, 'first']]);
  await until('all were seen', () => hub.user('alice').items.every(({ seen }) => seen));
  await page.rows.nth(1).locator('.main').click();
  await page.badgeIs('1');
  assert.deepEqual(await page.list(), [[true, 'second'], [false, 'first']]);
  await page.element.getByText('Mark all as read').click();
  await page.badgeIs('');
  await until('the hub has done it', () => hub.user('alice').unread === 0);
  // No more than was shown.
  assert.deepEqual(JSON.parse(hub.requests.findLast(({ path }) => path.endsWith('/read')).body), { through: hub.user('alice').items[0].id });

  for (const [label, expected] of [['Mark as unread', 1], ['Archive', 0], ['Delete', 0]]) {
    const row = page.rows.first();
    await row.hover();
    await row.getByRole('button', { name: label, exact: true }).click();
    await until(label, () => hub.user('alice').unread === expected);
  }
  await page.element.getByText('No notifications').waitFor();
  assert.deepEqual(hub.user('alice').items.map(({ title, archived }) => [title, archived]), [['second', true]]);
  assert.deepEqual(page.complaints, []);
});

scene('a token or headers that a framework makes anew each time do not open the inbox again', async (scene) => {
  const { hub, context } = await start(scene);
  hub.does('alice', (model) => model.notify({ title: 'first' }));
  const page = await openInboxPage(scene, context, hub.url);
  const set = (of) =>
    page.element.evaluate((element, of) => {
      element.token = () => of;
      element.headers = { 'x-page': 'shop' };
    }, of);
  await set('first');
  await page.badgeIs('1');
  await page.element.evaluate((element) => {
    element.changes = [];
    element.addEventListener('unread', ({ detail }) => element.changes.push(detail.unread));
    // As a page does that draws itself anew at each event.
    element.addEventListener('unread', () => (element.token = () => 'third'));
  });
  const lists = () => hub.requests.filter(({ method, path, query }) => method === 'GET' && path === '/inbox/alice' && query.has('limit')).length;
  const before = lists();

  for (let at = 0; at < 5; at += 1) await set('second');
  hub.does('alice', (model) => model.notify({ title: 'second' }));
  await page.badgeIs('2');
  await page.open();
  await page.rows.first().locator('.main').click();
  await page.badgeIs('1');

  assert.equal(lists(), before);
  assert.deepEqual(await page.element.evaluate(({ changes }) => changes), [2, 1]);
  // The newest function is asked.
  const mark = hub.requests.findLast(({ path }) => path.endsWith('/read'));
  assert.equal(mark.headers.authorization, 'Bearer third');
  assert.equal(mark.headers['x-page'], 'shop');

  // Another token that is no function is another login.
  await page.element.evaluate((element) => (element.token = 'fourth'));
  await until('it is opened again', () => lists() === before + 1);
  assert.deepEqual(page.complaints, []);
});

scene('what is in a notification is text, and a link that may run something is none', async (scene) => {
  const { hub, context } = await start(scene);
  hub.does('alice', (model) => {
    model.notify({ title: '<img src=x onerror="document.title=1"><script>document.title=2</script>', body: '<b>b</b>\n& more' });
    for (const link of ['javascript:document.title=3', ' java\nscript:document.title=4', 'data:text/html,x', 'vbscript:x', 'blob:x', 'http://[', 'file:///etc/passwd']) {
      model.notify({ title: 'bad', link });
    }
    for (const link of ['/orders/1', 'https://shop.example/a?b#c', 'mailto:a@b.example', '//other.example/x']) model.notify({ title: 'good', link });
  });
  const page = await openInboxPage(scene, context, hub.url);
  await page.open();
  await until('the list is there', async () => (await page.rows.count()) === 12);

  const links = await page.rows.evaluateAll((rows) => rows.map((row) => row.querySelector('.main').getAttribute('href')));
  assert.deepEqual(links.slice(0, 4), ['http://other.example/x', 'mailto:a@b.example', 'https://shop.example/a?b#c', `${hub.url}/orders/1`]);
  assert.deepEqual(links.slice(4), Array(8).fill(null));
  const last = page.rows.last();
  assert.equal(await last.locator('.name').textContent(), '<img src=x onerror="document.title=1"><script>document.title=2</script>');
  assert.equal(await last.locator('.text').textContent(), '<b>b</b>\n& more');
  assert.equal(await last.locator('img, script, b').count(), 0);
  for (let at = 4; at < 12; at += 1) await page.rows.nth(at).locator('.main').click();
  assert.equal(await page.page.title(), 'page');
  assert.deepEqual(page.complaints, []);
});

scene('a link is followed, and its mark arrives though the page is left', async (scene) => {
  const { hub, context } = await start(scene);
  hub.does('alice', (model) => model.notify({ title: 'a', link: '/none' }));
  // The answer comes after the page has gone.
  let asked = 0;
  hub.intercept = ({ path }) => (path.endsWith('/read') ? new Promise((resolve) => setTimeout(resolve, 300, (asked += 1) && undefined)) : undefined);
  const page = await openInboxPage(scene, context, hub.url);
  await page.badgeIs('1');
  await page.open();

  await page.rows.first().locator('.main').click();
  await page.page.waitForURL(`${hub.url}/none`);

  await until('the mark has arrived', () => hub.user('alice').unread === 0);
});

scene('a page may keep a link from being followed', async (scene) => {
  const { hub, context } = await start(scene);
  hub.does('alice', (model) => model.notify({ title: 'a', link: '/none', data: { order: 1 } }));
  const page = await openInboxPage(scene, context, hub.url);
  await page.badgeIs('1');
  await page.page.evaluate(() => document.addEventListener('choose', (event) => (event.preventDefault(), (window.chosen = event.detail.data))));
  await page.open();

  await page.rows.first().locator('.main').click();

  await page.badgeIs('');
  assert.deepEqual(await page.page.evaluate(() => window.chosen), { order: 1 });
  assert.equal(page.page.url(), `${hub.url}/`);
});

scene('it is used by keys alone, and the focus comes back to the bell', async (scene) => {
  const { hub, context } = await start(scene);
  hub.does('alice', (model) => ['c', 'b', 'a'].map((title) => model.notify({ title })));
  const page = await openInboxPage(scene, context, hub.url);
  await page.badgeIs('3');
  const { keyboard } = page.page;

  await keyboard.press('Tab');
  await keyboard.press('Tab');
  assert.equal(await page.focused(), 'bell');
  await keyboard.press('Enter');
  assert.equal(await page.focused(), 'panel');
  assert.equal(await page.bell.getAttribute('aria-expanded'), 'true');
  await keyboard.press('ArrowDown');
  await keyboard.press('ArrowDown');
  await keyboard.press('Enter');
  await page.badgeIs('2');
  assert.deepEqual(await page.list(), [[true, 'a'], [false, 'b'], [true, 'c']]);
  await keyboard.press('End');
  await keyboard.press('ArrowUp');
  // To the three buttons of this row; the last one deletes it, and the next row has the focus.
  for (let at = 0; at < 3; at += 1) await keyboard.press('Tab');
  await keyboard.press('Enter');
  await page.listIs([[true, 'a'], [true, 'c']]);
  assert.equal(await page.focused(), 'main');
  await keyboard.press('Home');
  await keyboard.press('Escape');
  assert.equal(await page.panel.isVisible(), false);
  assert.equal(await page.focused(), 'bell');
  assert.equal(await page.bell.getAttribute('aria-expanded'), 'false');

  await keyboard.press('Space');
  await keyboard.press('Shift+Tab');
  await keyboard.press('Shift+Tab');
  assert.equal(await page.focused(), 'a');
  assert.equal(await page.panel.isVisible(), false);
  assert.deepEqual(page.complaints, []);
});

scene('a screen reader hears how many are unread, and what is new', async (scene) => {
  const { hub, context } = await start(scene);
  hub.does('alice', (model) => model.notify({ title: 'old' }));
  const pages = [await openInboxPage(scene, context, hub.url), await openInboxPage(scene, context, `${hub.url}/zh`)];
  for (const page of pages) await page.badgeIs('1');

  hub.does('alice', (model) => model.notify({ title: 'fresh' }));

  const status = (page) => page.element.locator('[role=status]');
  await until('it is said', async () => (await status(pages[0]).textContent()) === 'New notification: fresh');
  await until('it is said in Chinese', async () => (await status(pages[1]).textContent()) === '新通知：fresh');
  assert.deepEqual(await Promise.all(pages.map((page) => page.bell.getAttribute('aria-label'))), ['Notifications, 2 unread', '通知，2 条未读']);
  hub.does('alice', (model) => Array.from({ length: 110 }, () => model.notify({ title: 'many' })));
  await pages[0].badgeIs('99+');
  assert.equal(await pages[0].bell.getAttribute('aria-label'), 'Notifications, 112 unread');
  await until('it is said once', async () => (await status(pages[0]).textContent()) === '110 new notifications');
  await pages[0].page.bringToFront();
  await pages[0].open();
  const snapshot = await pages[0].element.ariaSnapshot();
  assert.match(snapshot, /dialog "Notifications"/);
  assert.match(snapshot, /heading "Notifications"/);
  assert.match(snapshot, /button "Unread: many Nov 14, 2023"/);
});

scene('older ones are shown, and the focus goes to the first of them', async (scene) => {
  const { hub, context } = await start(scene);
  hub.does('alice', (model) => Array.from({ length: 70 }, (_, at) => model.notify({ title: String(at) })));
  const page = await openInboxPage(scene, context, hub.url);
  await page.open();
  const older = page.element.getByText('Show older');
  await older.focus();

  await page.page.keyboard.press('Enter');

  await until('all are there', async () => (await page.rows.count()) === 70);
  await until('the first of them has the focus', async () => (await page.rows.nth(50).locator('.main:focus').count()) === 1);
  assert.equal(await older.isVisible(), false);
});

scene('a refusal is shown in the words of the hub, and can be tried again', async (scene) => {
  const { hub, context } = await start(scene);
  hub.does('alice', (model) => model.notify({ title: 'a' }));
  hub.intercept = () => ({ status: 403, body: { title: 'forbidden', detail: 'this token does not cover inbox/alice' } });
  const page = await openInboxPage(scene, context, hub.url);
  await page.open();
  await page.element.getByText('this token does not cover inbox/alice').waitFor();

  hub.intercept = () => undefined;
  await page.element.getByText('Try again').click();
  await page.listIs([[true, 'a']]);

  // A mark that is refused comes back, and says why.
  hub.intercept = ({ method }) => (method === 'DELETE' ? { status: 403, body: { detail: 'you may not delete' } } : undefined);
  await page.rows.first().hover();
  await page.rows.first().getByRole('button', { name: 'Delete' }).click();
  await page.element.getByText('That could not be saved.').waitFor();
  await page.element.getByText('you may not delete').waitFor();
  await page.listIs([[true, 'a']]);
  // What is done next is what counts.
  await page.rows.first().hover();
  await page.rows.first().getByRole('button', { name: 'Mark as read' }).click();
  await page.element.locator('.problem').first().waitFor({ state: 'hidden' });
  // What the page itself does is told to the page alone.
  const [status, told] = await page.page.evaluate(async () => {
    const element = document.querySelector('tidings-inbox');
    const told = new Promise((resolve) => element.addEventListener('error', ({ status, action }) => resolve([status, action]), { once: true }));
    return [await element.box.remove(element.box.items[0]).catch((failure) => failure.status), await told];
  });
  assert.deepEqual([status, told], [403, [403, 'delete']]);
  await page.listIs([[false, 'a']]);
  assert.equal(await page.element.locator('.problem').first().isVisible(), false);
  const none = await openInboxPage(scene, context, `${hub.url}/none`);
  await none.open();
  await none.element.getByText('The attribute “user” or “url” is missing.').waitFor();
});

scene('a hub that is away is waited for', async (scene) => {
  const { hub, context } = await start(scene);
  hub.does('alice', (model) => model.notify({ title: 'a' }));
  const page = await openInboxPage(scene, context, hub.url);
  await page.open();
  await page.listIs([[true, 'a']]);

  await hub.stop();
  await page.element.getByText('No connection. Trying again…').waitFor();
  hub.does('alice', (model) => model.notify({ title: 'b' }));
  await hub.start();

  await page.listIs([[true, 'b'], [true, 'a']]);
  await page.element.getByText('No connection').waitFor({ state: 'hidden' });
});

scene('ten tabs have one connection, and all follow; the tab that has it is closed', async (scene) => {
  const { hub, context } = await start(scene);
  const item = hub.does('alice', (model) => model.notify({ title: 'a' }));
  const tabs = [];
  for (let at = 0; at < 10; at += 1) tabs.push(await openInboxPage(scene, context, hub.url));
  await Promise.all(tabs.map((tab) => tab.badgeIs('1')));
  assert.equal(hub.streams.size, 1);

  hub.does('alice', (model) => model.notify({ title: 'b' }));
  await Promise.all(tabs.map((tab) => tab.badgeIs('2')));
  await tabs[0].page.close();
  await until('another tab has the connection', () => hub.streams.size === 1);
  hub.does('alice', (model) => model.mark('read', { ids: [item.id] }));
  await Promise.all(tabs.slice(1).map((tab) => tab.badgeIs('1')));
  await tabs[9].open();
  await tabs[9].element.getByText('Mark all as read').click();
  await Promise.all(tabs.slice(1).map((tab) => tab.badgeIs('')));
  assert.equal(hub.streams.size, 1);
});

scene('the panel stays in the page, light and dark, on a desk and on a phone', async (scene) => {
  const { hub, browser } = await start(scene);
  hub.does('alice', (model) => Array.from({ length: 30 }, (_, at) => model.notify({ title: `${at} ${'long '.repeat(30)}` })));
  const grounds = [];
  for (const [width, colorScheme] of [[1280, 'light'], [1280, 'dark'], [390, 'light'], [390, 'dark']]) {
    const context = await browser.newContext({ viewport: { width, height: 700 }, colorScheme });
    const page = await openInboxPage(scene, context, hub.url);
    await page.badgeIs('30');
    await page.open();
    await page.rows.first().waitFor();
    const { x, y, width: wide, height } = await page.panel.boundingBox();
    assert.ok(x >= 0 && x + wide <= width && y + height <= 700, JSON.stringify([x, y, wide, height]));
    if (width === 390) assert.deepEqual([x, wide], [0, 390]);
    const { ground, ink, spacing } = await page.panel.evaluate((panel) => {
      const { backgroundColor: ground, color: ink } = getComputedStyle(panel);
      return { ground, ink, spacing: getComputedStyle(panel.querySelector('.name')).letterSpacing };
    });
    grounds.push([ground, ink]);
    assert.equal(spacing, 'normal');
    assert.equal(await page.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  }
  assert.deepEqual(grounds[0], grounds[2]);
  assert.deepEqual(grounds[1], grounds[3]);
  assert.notDeepEqual(grounds[0], grounds[1]);
});

scene('attributes and properties that change show another inbox', async (scene) => {
  const { hub, context } = await start(scene);
  hub.does('alice', (model) => model.notify({ title: 'of alice' }));
  hub.does('bob', (model) => Array.from({ length: 2 }, () => model.notify({ title: 'of bob' })));
  hub.intercept = ({ path, headers }) => (path.startsWith('/inbox/bob') && headers.authorization !== 'Bearer of-bob' ? { status: 401 } : undefined);
  const page = await openInboxPage(scene, context, hub.url);
  await page.badgeIs('1');

  await page.element.evaluate((element) => {
    element.setAttribute('user', 'bob');
    element.token = async () => 'of-bob';
  });
  await page.badgeIs('2');
  await page.open();
  await page.listIs([[true, 'of bob'], [true, 'of bob']]);
  await page.element.evaluate((element) => element.setAttribute('lang', 'zh'));
  await page.element.getByText('全部标为已读').waitFor();

  // Moved in the page it goes on; taken out it lets go of its connection.
  await page.element.evaluate((element) => document.body.append(element));
  await page.badgeIs('2');
  await page.element.evaluate((element) => element.remove());
  await until('its connection is gone', () => hub.streams.size === 0);
});

scene('nothing in a page cuts the panel off, and it stays at the bell while the page scrolls', async (scene) => {
  const { hub, context } = await start(scene);
  hub.does('alice', (model) => model.notify({ title: 'a' }));
  const page = await openInboxPage(scene, context, hub.url);
  await page.badgeIs('1');
  await page.page.evaluate(() => {
    const header = document.querySelector('header');
    for (const [name, value] of [['overflow', 'hidden'], ['height', '60px'], ['transform', 'translateX(0)'], ['z-index', '0'], ['position', 'relative']]) header.style.setProperty(name, value);
    document.body.style.height = '3000px';
  });

  for (let at = 0; at < 2; at += 1) {
    await page.open();
    await page.rows.first().locator('.main').click({ trial: true });
    await page.bell.click();
    await page.panel.waitFor({ state: 'hidden' });
  }
  await page.open();
  const isAtBell = async () => {
    const [bell, panel] = [await page.bell.boundingBox(), await page.panel.boundingBox()];
    return Math.abs(panel.y - bell.y - bell.height - 4) < 1;
  };
  await until('the panel is below the bell', isAtBell);
  await page.page.evaluate(() => scrollTo(0, 20));
  await until('the page has scrolled', () => page.page.evaluate(() => scrollY === 20));
  await until('the panel follows the bell', isAtBell);
  assert.deepEqual(page.complaints, []);
});

/** Pages of another origin, as people write them: of each, what stands in it. */
const ELSEWHERE = {
  'script, then tag': (script) => `${script}<tidings-inbox user="alice" token="of-alice"></tidings-inbox>`,
  'tag, then script': (script) => `<tidings-inbox user="alice" token="of-alice"></tidings-inbox>${script}`,
  'script that runs when it has come': (script) => `<tidings-inbox user="alice" token="of-alice"></tidings-inbox>${script.replace('type', 'async type')}`,
  'properties that are set before': (script) =>
    `<tidings-inbox user="alice"></tidings-inbox><script>document.querySelector('tidings-inbox').token = async () => 'of-alice';</script>${script}`,
  'headers that are set before': (script) =>
    `<tidings-inbox user="alice"></tidings-inbox><script>document.querySelector('tidings-inbox').headers = { authorization: 'Bearer of-alice' };</script>${script}`,
  'a user who comes early': (script) =>
    `<script>document.body.append(document.createElement('tidings-inbox'));
     const bell = document.querySelector('tidings-inbox'); bell.setAttribute('token', 'of-alice'); bell.setAttribute('user', 'alice');</script>${script}`,
  'a user who comes late': (script) =>
    `${script}<tidings-inbox></tidings-inbox><script>customElements.whenDefined('tidings-inbox').then(() => setTimeout(() => {
       const bell = document.querySelector('tidings-inbox'); bell.setAttribute('user', 'alice'); bell.token = 'of-alice';
     }, 50));</script>`,
  'an element that is made late': (script) =>
    `${script}<script>customElements.whenDefined('tidings-inbox').then(() => {
       const bell = document.createElement('tidings-inbox'); document.body.append(bell); bell.setAttribute('user', 'alice'); bell.token = () => 'of-alice';
     });</script>`,
  'import()': (script) =>
    `<tidings-inbox user="alice" token="of-alice"></tidings-inbox><script type="module">await import('${/"(http[^"]+)"/.exec(script)[1]}#1');</script>`,
};

scene('in a page of another origin it asks the hub of its script, and never the server of the page', async (scene) => {
  const { hub, context } = await start(scene);
  hub.does('alice', (model) => model.notify({ title: 'a' }));
  hub.intercept = ({ headers }) => (headers.authorization === 'Bearer of-alice' ? undefined : { status: 401 });
  const script = `<script type="module" src="${hub.url}/tidings-inbox.js"></script>`;
  const paths = Object.keys(ELSEWHERE).map((_, at) => `/${at}`);
  const bodies = Object.values(ELSEWHERE).map((of) => `<!doctype html><link rel="icon" href="data:,"><body>${of(script)}`);
  const site = await startSite(scene, Object.fromEntries(bodies.map((body, at) => [paths[at], body])));

  for (const [at, name] of Object.keys(ELSEWHERE).entries()) {
    hub.requests.length = 0;
    const page = await openInboxPage(scene, context, `${site.url}/${at}`);
    await until(name, async () => (await page.element.count()) === 1);
    await page.badgeIs('1');
    await page.page.reload();
    await page.badgeIs('1');
    assert.deepEqual(page.complaints.filter((text) => !/401/.test(text)), [], name);
    if (at !== 6) assert.deepEqual(hub.requests.filter(({ headers }) => headers.authorization !== 'Bearer of-alice').map(({ method, path, query }) => [method, path, String(query)]), [], name);
    await page.page.close();
  }

  assert.deepEqual(site.asked, paths.flatMap((path) => [path, path]));
});

scene('a cookie that has run out is tried again: when the page says so, and when somebody comes back', async (scene) => {
  const { hub, context } = await start(scene);
  hub.does('alice', (model) => model.notify({ title: 'a' }));
  const page = await openInboxPage(scene, context, hub.url);
  await page.open();
  await page.listIs([[true, 'a']]);
  const isOver = () => ({ status: 401, body: { detail: 'the token has ended' } });

  hub.intercept = isOver;
  hub.cut();
  await page.element.getByText('Please log in again').waitFor();
  await page.element.getByText('the token has ended').waitFor();
  assert.equal(await page.element.getByText('No connection').isVisible(), false);
  hub.does('alice', (model) => model.notify({ title: 'b' }));
  hub.intercept = () => undefined;
  await page.page.evaluate(() => dispatchEvent(new Event('online')));
  await page.listIs([[true, 'b'], [true, 'a']]);

  // The page renews it by itself, as the guide does. What is renewed in vain is not asked for all the time.
  await page.page.evaluate(() => {
    const element = document.querySelector('tidings-inbox');
    window.renewed = 0;
    element.addEventListener('error', ({ status }) => status === 401 && ((window.renewed += 1), element.reopen()));
  });
  let asked = 0;
  hub.intercept = () => ((asked += 1) < 3 ? isOver() : undefined);
  hub.cut();
  hub.does('alice', (model) => model.notify({ title: 'c' }));
  await page.listIs([[true, 'c'], [true, 'b'], [true, 'a']]);
  assert.equal(await page.page.evaluate(() => window.renewed), 2);
  assert.equal(await page.element.locator('.problem').first().isVisible(), false);
});

scene('long kinds and titles, and a large count, stay where there is room for them', async (scene) => {
  const { hub, browser } = await start(scene);
  hub.does('alice', (model) => Array.from({ length: 120 }, () => model.notify({ title: 'x'.repeat(500), kind: 'k'.repeat(64), body: 'text' })));
  hub.does('alice', (model) => model.notify({ title: 'word '.repeat(100), kind: 'k'.repeat(64) }));
  for (const width of [1280, 390]) {
    const page = await openInboxPage(scene, await browser.newContext({ viewport: { width, height: 700 }, hasTouch: width === 390, isMobile: width === 390 }), hub.url);
    await page.badgeIs('99+');
    const [bell, badge] = [await page.bell.boundingBox(), await page.element.locator('.badge').boundingBox()];
    assert.ok(badge.x >= bell.x && badge.x + badge.width <= bell.x + bell.width + 0.5, JSON.stringify([bell, badge]));
    await page.open();
    await page.rows.first().waitFor();
    const fits = await page.panel.evaluate((panel) => [panel, ...panel.querySelectorAll('.body, .row')].every(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth));
    assert.ok(fits);
    assert.equal(await page.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    const name = page.rows.first().locator('.name');
    const height = () => name.evaluate(({ clientHeight }) => clientHeight);
    const clamped = await height();
    assert.ok(clamped < 80, String(clamped));
    assert.equal(await name.getAttribute('title'), 'word '.repeat(100));
    if (process.env.TIDINGS_SHOTS) await page.page.screenshot({ path: `${process.env.TIDINGS_SHOTS}/bell-${width}.png` });
    await page.rows.first().locator('.main').click();
    await until('the whole title is shown', async () => (await height()) > clamped);
  }
});
