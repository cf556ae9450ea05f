// `<tidings-inbox>` against the real hub: one user on two devices, another user beside, and a hub that is killed. The pages are of another origin, and take
// the script from the hub.

import assert from 'node:assert/strict';

import { KEY, startAccessHub, tokenFor } from './access-hub.js';
import { startChromium } from './chromium.js';
import { until } from './deadline.js';
import { restartHub } from './hub.js';
import { openInboxPage, PAGE_CSS, pageOf } from './inbox-pages.js';
import { startOrigin } from './origin.js';
import { scene } from './scene.js';

/** An origin with pages, each by a query: `user`, and `as`, whose token it shows. The page asks for tokens of `seconds`. */
async function startPages(scene) {
  const pages = { hub: '', seconds: 600 };
  pages.origin = await startOrigin(scene, (request, response) => {
    const { pathname, searchParams: query } = new URL(request.url, 'http://pages');
    if (pathname === '/page.css') return response.writeHead(200, { 'Content-Type': 'text/css' }).end(PAGE_CSS);
    const token = tokenFor([`inbox/${segmentOf(query.get('as'))}`], { user: query.get('as'), seconds: pages.seconds });
    if (pathname === '/token') return response.writeHead(200).end(token);
    const html = pageOf(`user="${query.get('user')}" hub="${pages.hub}" ${query.has('fresh') ? '' : `token="${token}"`}`, { script: `${pages.hub}/tidings-inbox.js` });
    return response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(html);
  });
  return pages;
}

/** The name of a user as a segment of a topic. */
function segmentOf(user) {
  return user.replace(/[/*%]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

async function start(scene, ...flags) {
  const pages = await startPages(scene);
  const hub = await startAccessHub(scene, {}, '--cors-origin', pages.origin, ...flags);
  pages.hub = hub.url;
  const browser = await startChromium(scene);
  const device = async (user, { as = user, more = '' } = {}) =>
    openInboxPage(scene, await browser.newContext(), `${pages.origin}/?user=${user}&as=${as}${more}`);
  return { pages, hub, browser, device };
}

/** Asks the hub as the backend does, or as a user. */
async function ask(hub, method, path, body, token = KEY) {
  const headers = { Authorization: `Bearer ${token}`, Accept: 'application/json', 'Content-Type': 'application/json' };
  const answer = await fetch(new URL(path, hub.url), { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, ...(text ? JSON.parse(text) : {}) };
}

async function notify(hub, user, notification) {
  // A hub that has just been started reads its log first.
  const answer = await until('the hub is ready', async () => {
    const answer = await ask(hub, 'POST', `/inbox/${user}`, notification);
    return answer.status !== 503 && answer;
  });
  assert.equal(answer.status, 201, JSON.stringify(answer));
  return answer.id;
}

const listOf = (hub, user) => ask(hub, 'GET', `/inbox/${user}?archived=false`);

/** The page shows what the hub has, once what is on its way has arrived. */
async function agrees(hub, user, page) {
  await until('the page shows what the hub has', async () => {
    const { items, unread } = await listOf(hub, user);
    const shown = JSON.stringify([await page.badge(), await page.list()]);
    return shown === JSON.stringify([unread ? String(unread) : '', items.map(({ read, title }) => [!read, title])]);
  });
}

scene('the badge moves on all devices of a user, and what is read on one is read on the other', async (scene) => {
  const { hub, device } = await start(scene);
  const [phone, desk, other] = [await device('alice'), await device('alice'), await device('bob')];
  await notify(hub, 'alice', { title: 'first' });
  await Promise.all([phone, desk].map((page) => page.badgeIs('1')));
  await notify(hub, 'alice', { title: 'second', link: 'https://shop.example/2' });
  const many = await ask(hub, 'POST', '/inbox', { users: ['alice', 'bob'], notification: { title: 'to all', kind: 'news' } });
  assert.deepEqual(many, { status: 201, notified: 2 });
  await Promise.all([phone, desk].map((page) => page.badgeIs('3')));
  await other.badgeIs('1');

  await phone.open();
  await desk.open();
  await phone.rows.nth(2).locator('.main').click();
  await desk.badgeIs('2');
  await desk.listIs([[true, 'to all'], [true, 'second'], [false, 'first']]);
  // Both at the same time, and each something else.
  const act = async (page, at, name) => {
    await page.rows.nth(at).hover();
    await page.rows.nth(at).getByRole('button', { name, exact: true }).click();
  };
  await Promise.all([act(phone, 0, 'Archive'), act(desk, 2, 'Mark as unread')]);
  for (const page of [phone, desk]) await page.listIs([[true, 'second'], [true, 'first']]);
  await act(desk, 0, 'Delete');
  await phone.listIs([[true, 'first']]);
  await phone.element.getByText('Mark all as read').click();
  await desk.badgeIs('');
  for (const page of [phone, desk]) await agrees(hub, 'alice', page);
  assert.equal(await other.badge(), '1');
  assert.deepEqual([phone, desk, other].flatMap(({ complaints }) => complaints), []);
});

scene('a hub that is killed and started again counts as before, and what was done meanwhile is there', async (scene) => {
  const { hub, device } = await start(scene);
  const [phone, desk] = [await device('alice'), await device('alice')];
  for (let at = 0; at < 5; at += 1) await notify(hub, 'alice', { title: String(at) });
  await Promise.all([phone, desk].map((page) => page.badgeIs('5')));
  await phone.open();
  await phone.rows.nth(1).locator('.main').click();
  await desk.badgeIs('4');

  await hub.kill();
  // It waits for the hub, and is shown meanwhile.
  await phone.rows.nth(2).locator('.main').click();
  await phone.badgeIs('3');
  const again = await restartHub(scene, hub.directory, ...hub.flags, '--listen', `127.0.0.1:${hub.port}`);
  await notify(again, 'alice', { title: 'after' });

  await Promise.all([phone, desk].map((page) => page.badgeIs('4')));
  await desk.open();
  for (const page of [phone, desk]) await agrees(again, 'alice', page);
  assert.equal((await ask(again, 'GET', '/inbox/alice/count')).count, 4);
});

scene('a device that was offline has everything when it is back', async (scene) => {
  const { hub, device } = await start(scene);
  const ids = [];
  for (let at = 0; at < 20; at += 1) ids.push(await notify(hub, 'alice', { title: String(at) }));
  const page = await device('alice');
  await page.badgeIs('20');
  await page.open();

  await page.page.context().setOffline(true);
  await ask(hub, 'POST', '/inbox/alice/read', { through: ids[9] });
  await ask(hub, 'DELETE', `/inbox/alice/${ids[15]}`);
  for (let at = 20; at < 30; at += 1) await notify(hub, 'alice', { title: String(at) });
  await page.rows.first().locator('.main').click();
  await page.page.context().setOffline(false);

  await page.badgeIs('18');
  await agrees(hub, 'alice', page);
});

scene('a token that ends is made anew where the page can, and else the reason is shown', async (scene) => {
  const { pages, hub, device } = await start(scene);
  pages.seconds = 4;
  const [fixed, fresh] = [await device('alice'), await device('alice', { more: '&fresh' })];
  await fresh.element.evaluate((element) => {
    window.tokens = 0;
    element.token = async () => ((window.tokens += 1), (await fetch(`/token?as=alice`)).text());
  });
  await notify(hub, 'alice', { title: 'a' });
  await Promise.all([fixed, fresh].map((page) => page.badgeIs('1')));

  await until('the token has ended', () => fixed.element.evaluate(({ box }) => box.state === 'closed'));
  pages.seconds = 600;
  await notify(hub, 'alice', { title: 'b' });
  await fresh.badgeIs('2');

  assert.ok((await fresh.page.evaluate(() => window.tokens)) > 1);
  assert.equal(await fixed.badge(), '1');
  await fixed.open();
  await fixed.element.getByText('Try again').waitFor();
  assert.match(await fixed.element.locator('.problem[role=alert]').textContent(), /expired|ended|over/);
});

scene('the tab that has the connection of all is refused when its token ends, and the others go on', async (scene) => {
  const { pages, hub, browser } = await start(scene);
  const context = await browser.newContext();
  const open = () => openInboxPage(scene, context, `${pages.origin}/?user=alice&as=alice`);
  pages.seconds = 4;
  const first = await open();
  await first.badgeIs('');
  await until('the first one is connected', () => first.element.evaluate(({ box }) => box.state === 'open'));
  pages.seconds = 600;
  const others = [await open(), await open()];
  await notify(hub, 'alice', { title: 'a' });
  await Promise.all([first, ...others].map((page) => page.badgeIs('1')));

  await until('its token has ended', () => first.element.evaluate(({ box }) => box.state === 'closed'));
  await notify(hub, 'alice', { title: 'b' });

  await Promise.all(others.map((page) => page.badgeIs('2')));
  assert.equal(await first.badge(), '1');
});

scene('another user, a forged token, and no token at all are refused', async (scene) => {
  const { hub, device, pages } = await start(scene);
  await notify(hub, 'alice', { title: 'secret' });
  const [other] = [await device('alice', { as: 'bob' })];

  await other.open();
  await other.element.getByText('Try again').waitFor();

  assert.equal(await other.badge(), '');
  assert.equal(await other.rows.count(), 0);
  const forged = `${tokenFor(['inbox/alice']).slice(0, -4)}AAAA`;
  assert.equal((await ask(hub, 'GET', '/inbox/alice', undefined, forged)).status, 401);
  assert.equal((await ask(hub, 'GET', '/inbox/alice', undefined, tokenFor(['inbox/bob']))).status, 403);
  assert.equal((await ask(hub, 'POST', '/inbox/alice/read', { all: true }, tokenFor(['inbox/bob']))).status, 403);
  assert.equal((await ask(hub, 'POST', '/inbox/alice', { title: 'x' }, tokenFor(['inbox/alice']))).status, 403);
  assert.equal((await fetch(new URL('/inbox/alice', hub.url))).status, 401);
  assert.ok(pages.origin);
});

scene('HTML in a title is text, and a link that would run something is refused by the hub', async (scene) => {
  const { hub, device } = await start(scene);
  const page = await device('alice');
  const title = '<img src=x onerror="document.title=1">';
  await notify(hub, 'alice', { title, body: '<script>document.title=2</script>', link: '/orders/1' });

  await page.badgeIs('1');
  await page.open();

  await page.listIs([[true, title]]);
  for (const link of ['javascript:alert(1)', 'JaVaScRiPt:alert(1)', ' javascript:alert(1)', 'java\nscript:alert(1)', 'data:text/html,x', 'vbscript:x', 'file:///etc/passwd']) {
    assert.equal((await ask(hub, 'POST', '/inbox/alice', { title: 'bad', link })).status, 400, link);
  }
  assert.equal(await page.page.title(), 'page');
  assert.equal(await page.badge(), '1');
});

scene('a user whose name has a slash has an inbox, and so does one of Chinese characters', async (scene) => {
  const { hub, device } = await start(scene);
  for (const user of ['a/b %', '张伟']) {
    const page = await device(encodeURIComponent(user), { as: encodeURIComponent(user) });
    await notify(hub, encodeURIComponent(user), { title: 'for you' });
    await page.badgeIs('1');
  }
});

scene('six tabs of one page leave connections for everything else', async (scene) => {
  const { hub, pages, browser } = await start(scene);
  const context = await browser.newContext();
  const tabs = [];
  for (let at = 0; at < 8; at += 1) tabs.push(await openInboxPage(scene, context, `${pages.origin}/?user=alice&as=alice`));
  await notify(hub, 'alice', { title: 'a' });
  await Promise.all(tabs.map((tab) => tab.badgeIs('1')));

  await tabs[0].page.close();
  await notify(hub, 'alice', { title: 'b' });
  await Promise.all(tabs.slice(1).map((tab) => tab.badgeIs('2')));
  await tabs[7].open();
  await tabs[7].element.getByText('Mark all as read').click();
  await Promise.all(tabs.slice(1).map((tab) => tab.badgeIs('')));
});
