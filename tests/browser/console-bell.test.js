// The bell of the console: whose inbox it is, the badge and the panel in several tabs, by keyboard and for a screen reader, and what it says when it is
// refused.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { KEY, startAccessHub, tokenFor } from './access-hub.js';
import { startChromium } from './chromium.js';
import { holdConnections, setHidden, streamsOf } from './connections.js';
import { openConsole, PHONE, visitConsole } from './console-page.js';
import { until } from './deadline.js';
import { startHub } from './hub.js';
import { scene } from './scene.js';

const MARKUP = '<img src=x onerror="document.title=1"><script>document.title=2</script>';

/** The bell of a page, and what is seen of it. */
class Bell {
  constructor(page) {
    this.page = page;
    this.element = page.locator('#bell');
    this.button = this.element.locator('button.bell');
    this.panel = page.getByRole('dialog', { name: 'Notifications' });
    this.rows = this.panel.getByRole('listitem');
    // What the console has put into the panel: it is an element of the page.
    this.user = this.element.getByLabel('Whose inbox?');
    this.other = this.element.getByRole('button', { name: 'Another user' });
  }

  /** What the badge says; empty if it is not shown. */
  badge() {
    return this.element.evaluate(({ shadowRoot }) => {
      const badge = shadowRoot.querySelector('.badge');
      return badge.hidden ? '' : badge.textContent;
    });
  }

  badgeIs(text) {
    return until(`the badge is "${text}"`, async () => (await this.badge()) === text);
  }

  async open() {
    await this.button.click();
    await this.panel.waitFor();
  }

  /** Chooses a user, and leaves the panel open. */
  async choose(user) {
    await this.open();
    await this.user.fill(user);
    await this.element.getByRole('button', { name: 'Show', exact: true }).click();
    await this.element.getByText(`Inbox of ${user}`).waitFor();
  }

  /** Of all rows: whether it is unread, and the title. */
  list() {
    return this.rows.evaluateAll((rows) => rows.map((row) => [row.classList.contains('is-unread'), row.querySelector('.name').textContent]));
  }

  listIs(list) {
    return until(`the list is ${JSON.stringify(list)}`, async () => JSON.stringify(await this.list()) === JSON.stringify(list));
  }

  /** What has the focus: its name for a screen reader, its text or its tag. */
  focused() {
    return this.page.evaluate(() => {
      let focused = document.activeElement;
      while (focused.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
      if (focused.id === 'panel') return 'panel';
      return focused.getAttribute('aria-label') ?? focused.querySelector('.name')?.textContent ?? (focused.id || focused.textContent.trim() || focused.localName);
    });
  }
}

async function notify(hub, user, notification, token) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const body = JSON.stringify(typeof notification === 'string' ? { title: notification } : notification);
  const post = () => fetch(`${hub.url}/inbox/${encodeURIComponent(user)}`, { method: 'POST', headers, body });
  let answer;
  // A hub that has just been started is still preparing its inboxes.
  await until('the hub has its inboxes', async () => (answer = await post()).status !== 503);
  assert.equal(answer.status, 201, await answer.clone().text());
  return (await answer.json()).id;
}

/** What a screen reader is told: role and name of all that is not passed over, in order. */
async function heard(page) {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  await session.detach();
  const told = nodes.filter(({ ignored }) => !ignored);
  return told.map(({ role, name, properties = [] }) => [role?.value, name?.value ?? '', Object.fromEntries(properties.map((one) => [one.name, one.value.value]))]);
}

/** Saves what is to be seen, if `TIDINGS_SHOTS` names a folder. */
async function shoot(page, name) {
  const folder = process.env.TIDINGS_SHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' });
}

scene('on an open hub the bell asks whose inbox it is, and all tabs follow what is chosen and marked', async (scene) => {
  const hub = await startHub(scene);
  const context = await (await startChromium(scene)).newContext({ locale: 'en-US' });
  const visits = [await openConsole(scene, `${hub.url}/`, { context }), await openConsole(scene, `${hub.url}/events/a`, { context })];
  const [one, other] = visits.map(({ page }) => new Bell(page));
  await notify(hub, 'alice', 'from before');

  await one.open();
  await until('the field has the focus', async () => (await one.focused()) === 'bell-user');
  await one.page.keyboard.press('Enter');
  await one.element.getByText('Enter the name of a user first.').waitFor();
  await one.page.keyboard.type('..');
  await one.page.keyboard.press('Enter');
  await one.element.getByText('This is no name of a user').waitFor();
  await shoot(one.page, 'bell-user');
  await one.page.keyboard.press('Control+a');
  await one.page.keyboard.type('alice');
  await one.page.keyboard.press('Enter');
  await one.listIs([[true, 'from before']]);
  assert.equal(await one.focused(), 'panel');
  assert.equal(await one.user.isVisible(), false);
  await one.element.getByText('Notify from a terminal').click();
  await one.element.getByText(`curl -d '{"title":"Hello"}' ${hub.url}/inbox/alice`).waitFor();

  for (const bell of [one, other]) await bell.badgeIs('1');
  await notify(hub, 'alice', { title: 'second', body: 'text', kind: 'order' });
  for (const bell of [one, other]) await bell.badgeIs('2');
  await other.open();
  await other.rows.first().hover();
  await other.rows.first().getByRole('button', { name: 'Mark as read' }).click();
  for (const bell of [one, other]) await bell.badgeIs('1');
  await one.listIs([[false, 'second'], [true, 'from before']]);
  await one.panel.getByRole('button', { name: 'Mark all as read' }).click();
  for (const bell of [one, other]) await bell.badgeIs('');
  await other.listIs([[false, 'second'], [false, 'from before']]);

  await one.page.reload();
  await one.open();
  await one.listIs([[false, 'second'], [false, 'from before']]);
  await one.other.click();
  assert.equal(await one.focused(), 'bell-user');
  await one.page.keyboard.type('bob/1 \u738b');
  await one.page.keyboard.press('Enter');
  await one.panel.getByText('No notifications').waitFor();
  await notify(hub, 'bob/1 \u738b', 'for bob');
  for (const bell of [one, other]) await bell.badgeIs('1');
  await one.listIs([[true, 'for bob']]);
  for (const { complaints } of visits) assert.deepEqual(complaints, []);
});

scene('everything is done by keyboard, and escape gives the focus back to the bell', async (scene) => {
  const hub = await startHub(scene);
  for (const title of ['a', 'b', 'c']) await notify(hub, 'alice', title);
  const { page, complaints } = await openConsole(scene, `${hub.url}/`);
  const bell = new Bell(page);
  await bell.choose('alice');
  await bell.badgeIs('3');
  await page.keyboard.press('Escape');
  assert.equal(await bell.panel.count(), 0);
  assert.equal(await bell.focused(), 'Notifications, 3 unread');

  await page.keyboard.press('Enter');
  await bell.panel.waitFor();
  assert.equal(await bell.focused(), 'panel');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  assert.equal(await bell.focused(), 'b');
  await page.keyboard.press('Tab');
  assert.equal(await bell.focused(), 'Mark as read');
  await page.keyboard.press('Enter');
  await bell.listIs([[true, 'c'], [false, 'b'], [true, 'a']]);
  await page.keyboard.press('Home');
  assert.equal(await bell.focused(), 'c');
  await page.keyboard.press('Enter');
  await bell.badgeIs('1');
  await page.keyboard.press('End');
  // Behind the three buttons of the row.
  for (let tab = 0; tab < 4; tab += 1) await page.keyboard.press('Tab');
  assert.equal(await bell.focused(), 'Another user');
  await page.keyboard.press('Escape');

  assert.equal(await bell.panel.count(), 0);
  assert.equal(await bell.focused(), 'Notifications, 1 unread');
  // Beyond the panel it closes, and the focus goes on in the page.
  await page.keyboard.press('Space');
  await bell.panel.waitFor();
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Shift+Tab');
  await until('the panel is closed', async () => (await bell.panel.count()) === 0);
  assert.deepEqual(complaints, []);
});

scene('a screen reader is told of the bell, the panel, what is unread, and what each button does', async (scene) => {
  const hub = await startHub(scene);
  await notify(hub, 'alice', { title: MARKUP, body: '<b>b</b>', kind: 'order' });
  await notify(hub, 'alice', { title: 'Shipped', link: 'https://shop.example/1' });
  const { page, complaints } = await openConsole(scene, `${hub.url}/`);
  const bell = new Bell(page);
  await bell.choose('alice');
  await bell.badgeIs('2');

  const told = await heard(page);
  const [button] = told.filter(([, name]) => name === 'Notifications, 2 unread');
  assert.deepEqual([button[0], button[2].expanded, button[2].hasPopup], ['button', true, 'dialog']);
  const dialog = told.findIndex(([role, name]) => role === 'dialog' && name === 'Notifications');
  const within = told.slice(dialog).map(([role, name]) => `${role} ${name}`);
  for (const expected of ['button Mark all as read', 'button Close', 'button Mark as read', 'button Archive', 'button Delete', 'button Another user']) {
    assert.ok(within.includes(expected), `${expected} in ${within.join('\n')}`);
  }
  assert.ok(within.some((one) => one.startsWith('link Unread: Shipped')), within.join('\n'));
  assert.ok(within.some((one) => one.startsWith(`button Unread: ${MARKUP} <b>b</b>`)), within.join('\n'));
  assert.equal(told.filter(([role, name]) => ['button', 'link', 'textbox', 'dialog'].includes(role) && name === '').length, 0);
  assert.equal(await bell.panel.locator('.row img, .row script, .row b').count(), 0);
  await notify(hub, 'alice', 'Third');
  await bell.element.getByRole('status').filter({ hasText: 'New notification: Third' }).waitFor();
  assert.deepEqual(complaints, []);
});

scene('a link opens beside the console, and one without a host, which is of another site, leads nowhere', async (scene) => {
  const hub = await startHub(scene);
  await notify(hub, 'alice', { title: 'here', link: '/orders/1' });
  await notify(hub, 'alice', { title: 'there', link: `${hub.url}/healthz` });
  const { page, context } = await openConsole(scene, `${hub.url}/`);
  const bell = new Bell(page);
  await bell.choose('alice');
  await bell.badgeIs('2');

  const opened = context.waitForEvent('page');
  await bell.rows.filter({ hasText: 'there' }).getByRole('link').click();
  await (await opened).waitForURL(`${hub.url}/healthz`);
  await page.bringToFront();
  await bell.rows.last().getByRole('link').click();

  await bell.badgeIs('');
  assert.equal(page.url(), `${hub.url}/`);
  assert.equal(context.pages().length, 2);
  assert.equal(await (await opened).evaluate(() => window.opener), null);
});

scene('the language and the colours of the console are those of its bell', async (scene) => {
  const hub = await startHub(scene);
  await notify(hub, 'alice', { title: 'Your order has shipped', body: 'It arrives on Monday between 9 and 12. You can follow it on the page of the parcel service.', kind: 'order', link: 'https://shop.example/1' });
  await notify(hub, 'alice', { title: MARKUP, kind: 'comment' });
  await notify(hub, 'alice', { title: 'A long name without a space: ' + 'x'.repeat(120) });
  const browser = await startChromium(scene);
  for (const [width, viewport] of [['1280', undefined], ['390', PHONE]]) {
    const { page, complaints } = await openConsole(scene, `${hub.url}/`, { browser, ...(viewport && { viewport, hasTouch: true }) });
    const bell = new Bell(page);
    await bell.choose('alice');
    await bell.badgeIs('3');
    const ground = () => bell.element.evaluate(({ shadowRoot }) => getComputedStyle(shadowRoot.querySelector('.panel')).backgroundColor);
    assert.equal(await ground(), 'rgb(255, 255, 255)');
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    await shoot(page, `bell-${width}-light`);

    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Switch to dark colours' }).click();
    await page.locator('#language').click();
    await bell.button.click();
    assert.equal(await ground(), 'rgb(20, 27, 27)');
    await bell.element.getByRole('dialog', { name: '\u901a\u77e5' }).waitFor();
    await bell.element.getByText('alice \u7684\u6536\u4ef6\u7bb1').waitFor();
    await shoot(page, `bell-${width}-dark`);
    assert.deepEqual(complaints, []);
    await page.close();
  }
});

scene('a token says whose inbox it is, and the hub decides: no other is asked for', async (scene) => {
  const hub = await startAccessHub(scene);
  await notify(hub, 'u1', 'for u1', KEY);
  const { page } = await visitConsole(scene, `${hub.url}/events/a`);
  const bell = new Bell(page);
  const enter = async (secret) => {
    await page.getByRole('region', { name: 'Key or token' }).getByLabel('Key or token').fill(secret);
    await page.keyboard.press('Enter');
  };
  await page.getByRole('region', { name: 'Key or token' }).waitFor();
  await enter(tokenFor(['a', 'inbox/u1']));

  await bell.badgeIs('1');
  await bell.open();
  await bell.listIs([[true, 'for u1']]);
  assert.equal(await bell.other.isVisible(), false);
  await bell.element.getByText('Notify from a terminal').click();
  await bell.element.getByText('-H "Authorization: Bearer $TIDINGS_TOKEN"').waitFor();

  // A token that does not cover the inbox of the user that it names.
  await bell.panel.getByRole('button', { name: 'Close' }).click();
  await page.locator('#access-open').click();
  await enter(tokenFor(['a']));
  await bell.open();
  await bell.panel.getByRole('alert').filter({ hasText: 'subscribe does not cover `inbox/u1`' }).waitFor();
  assert.equal(await bell.badge(), '');
  await shoot(page, 'bell-refused');
  await bell.element.getByRole('button', { name: 'Enter a key or token' }).click();
  await until('the field has the focus', () => page.evaluate(() => document.activeElement.id === 'access-input'));

  // A key has no user, so one is chosen.
  await enter(KEY);
  await bell.choose('u1');
  await bell.badgeIs('1');
});

scene('a name without a key or token is refused in clear words, in both languages', async (scene) => {
  const hub = await startAccessHub(scene);
  const { page } = await visitConsole(scene, `${hub.url}/events/a`);
  const bell = new Bell(page);
  await bell.choose('alice');

  const alert = bell.element.getByRole('alert').first();
  await bell.panel.getByRole('alert').filter({ hasText: 'subscribe does not cover `inbox/alice`' }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('#language').click();
  await bell.button.click();

  await until('it is said in Chinese', async () => /\u4ee4\u724c/.test(await alert.textContent()));
});

scene('while the hub prepares its inboxes the bell says so, and is there when they are; where there are none any more it goes', async (scene) => {
  const hub = await startHub(scene);
  await notify(hub, 'alice', 'a');
  const { page } = await openConsole(scene, `${hub.url}/`);
  const bell = new Bell(page);
  const problems = { 503: ['inbox-not-ready', 'the hub is making its inboxes from its log'], 404: ['not-found', 'there is nothing here'] };
  let status = 503;
  await page.route('**/inbox/**', (route) => {
    if (status === 200) return route.fallback();
    const [type, detail] = problems[status];
    const body = JSON.stringify({ type: `urn:tidings:problem:${type}`, title: 'Problem', status, detail });
    return route.fulfill({ status, contentType: 'application/problem+json', headers: { 'retry-after': '1' }, body });
  });
  await bell.choose('alice');

  await bell.panel.getByText('Not at the moment: the hub is making its inboxes from its log').waitFor();
  status = 200;
  await bell.listIs([[true, 'a']]);
  assert.equal(await bell.panel.getByText('Not at the moment').isVisible(), false);
  status = 404;
  await bell.other.click();
  await page.keyboard.type('bob');
  await page.keyboard.press('Enter');

  await until('the bell is gone', async () => !(await bell.element.isVisible()));
});

scene('a hub without inboxes has no bell', async (scene) => {
  const hub = await startHub(scene, '--inbox=false');
  const { page, complaints } = await openConsole(scene, `${hub.url}/`);

  assert.equal(await page.locator('#bell').isVisible(), false);
  assert.equal(await page.locator('.to-inbox').filter({ visible: true }).count(), 0);
  assert.deepEqual(complaints, []);
});

// Over plain http browsers have nothing by which tabs could share, except on localhost.
scene('where tabs cannot share, the bell polls, and keeps no connection', async (scene) => {
  const hub = await startHub(scene, '--allowed-host', 'hub.test');
  const browser = await startChromium(scene, ['--host-resolver-rules=MAP hub.test 127.0.0.1']);
  const { page } = await openConsole(scene, `http://hub.test:${hub.port}/events/a`, { browser });
  const asked = [];
  page.on('request', (request) => request.method() === 'GET' && request.url().includes('/inbox/') && asked.push(request.url()));
  const bell = new Bell(page);
  await bell.choose('alice');
  await bell.panel.getByText('No notifications').waitFor();
  await notify(hub, 'alice', 'polled');

  await bell.badgeIs('1');

  assert.ok(asked.length > 1 && asked.slice(1).every((url) => url.includes('mode=poll')), asked.join('\n'));
});

/** A browser whose tabs show the inbox of a user from the beginning on. */
async function contextOf(scene, user) {
  const context = await (await startChromium(scene)).newContext({ locale: 'en-US' });
  await context.addInitScript((user) => localStorage.setItem('tidings.inbox', user), user);
  return context;
}

scene('the bells of all tabs share one connection', async (scene) => {
  const hub = await startHub(scene);
  const context = await contextOf(scene, 'alice');
  const bells = [];
  for (let tab = 0; tab < 7; tab += 1) bells.push(new Bell((await openConsole(scene, `${hub.url}/`, { context })).page));

  await notify(hub, 'alice', 'a');
  for (const bell of bells) await bell.badgeIs('1');
  // That of the events, and that of the inbox.
  await until('two streams are open', async () => (await streamsOf(hub)) === 2);
  await bells[0].page.close();
  await notify(hub, 'alice', 'b');

  for (const bell of bells.slice(1)) await bell.badgeIs('2');
  await until('two streams are open', async () => (await streamsOf(hub)) === 2);
});

scene('where other pages hold all connections but its own, a tab with a bell still goes from page to page', async (scene) => {
  const hub = await startHub(scene);
  const context = await contextOf(scene, 'alice');
  await notify(hub, 'alice', 'a');
  const { page } = await openConsole(scene, `${hub.url}/`, { context });
  await new Bell(page).badgeIs('1');
  await holdConnections(context, hub, 4);

  await page.locator('#go-to').fill('a/b');
  await page.locator('#go-to').press('Enter');

  await page.waitForURL(`${hub.url}/events/a/b`);
  await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
  await new Bell(page).badgeIs('1');
});

scene('where other pages hold all connections, a tab that nobody looks at leaves its own to a new one', async (scene) => {
  const hub = await startHub(scene);
  const context = await contextOf(scene, 'alice');
  await notify(hub, 'alice', 'a');
  const { page } = await openConsole(scene, `${hub.url}/`, { context });
  const bell = new Bell(page);
  await bell.badgeIs('1');
  const other = await holdConnections(context, hub, 4);

  await setHidden(page, true);
  const { page: next } = await openConsole(scene, `${hub.url}/events/a`, { context });
  await new Bell(next).badgeIs('1');
  await other.evaluate(() => window.sources.splice(0).forEach((source) => source.close()));
  await notify(hub, 'alice', 'meanwhile');
  await setHidden(page, false);

  await bell.badgeIs('2');
});
