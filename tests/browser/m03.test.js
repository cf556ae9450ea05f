// M3: several `data` lines joined by newlines, and JSON over several lines that the page parses.

import assert from 'node:assert/strict';

import { openListener } from './listener.js';
import { cast, scene } from './scene.js';
import { openWire } from './wire.js';

const CHINESE_AND_EMOJI = '\u4f60\u597d\uff0c\u4e16\u754c \u{1f469}\u200d\u{1f680}\u{1f680}';

scene('M3 text of several lines goes as several data lines and arrives as the same text', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/es`);
  await listener.opens(1);
  const wire = await openWire(scene, hub.port, '/events/es');
  const opening = await wire.bodyWith('\n\n');
  const texts = [
    'first line\nsecond line',
    'a gap\n\n\nof two lines',
    '  spaces in front\n and : a colon',
    'data: looks like a field\nid: 7\nretry: 1',
    'ends with a newline\n',
    '',
    CHINESE_AND_EMOJI,
    'not line ends: \u0085 \u2028 \u2029 \u000b \u000c .',
  ];

  for (const text of texts) await hub.publish('es', text, { id: 'x' + texts.indexOf(text) });

  assert.deepEqual(await listener.data(texts.length), texts);
  const body = await wire.bodyWith('data: not line ends');
  assert.ok(body.startsWith(`${opening}id: x0\ndata: first line\ndata: second line\n\nid: x1\ndata: a gap\ndata: \n`), body);
});

scene('M3 CR and CRLF inside data are line ends too: the page hears newlines', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/es`);
  await listener.opens(1);

  await hub.publish('es', 'one\r\ntwo\rthree\nfour');

  assert.deepEqual(await listener.data(1), ['one\ntwo\nthree\nfour']);
});

scene('M3 JSON over several lines is parsed by the page', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const page = await browser.newPage();
  scene.after(() => page.close());
  await page.goto(`${pages.origin}/json.html?${new URLSearchParams({ url: `${hub.url}/events/users` })}`);
  await page.waitForSelector('body.open');
  const user = { user: CHINESE_AND_EMOJI, roles: ['reader', 'writer'], address: { city: 'Z\u00fcrich', zip: 8000 }, quote: '"\\\n"' };

  const answer = await hub.post('users', JSON.stringify(user, null, 2), {}, { 'Content-Type': 'application/json' });

  assert.equal(answer.status, 201);
  await page.waitForSelector('body.told');
  assert.deepEqual(await page.evaluate(() => window.told), user);
  assert.equal(await page.textContent('output'), CHINESE_AND_EMOJI);
});
