// The page of all topics, for those who may read only some.

import assert from 'node:assert/strict';

import { startAccessHub, tokenFor } from './access-hub.js';
import { PHONE, rowWith, shown, visitConsole } from './console-page.js';
import { scene } from './scene.js';

const panelOf = (page) => page.getByRole('region', { name: 'Key or token' });
const told = (page, hasText) => page.getByRole('alert').filter({ hasText }).waitFor();

async function enter(page, secret) {
  await panelOf(page).getByLabel('Key or token').fill(secret);
  await panelOf(page).getByRole('button', { name: 'Use' }).click();
}

/** What does not fit: the page must not be scrolled sideways. */
const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

scene('the page of all topics shows what a token covers of them, and says that there may be more', async (scene) => {
  const hub = await startAccessHub(scene);
  for (const topic of ['orders/9', 'users/u1/mail', 'secret/a']) await hub.publish(topic, `about ${topic}`);
  const { page } = await visitConsole(scene, `${hub.url}/`, { viewport: PHONE });
  await told(page, 'subscribe does not cover `**`');

  await enter(page, tokenFor(['orders/*', 'users/u1/**']));
  await told(page, 'Only what your access covers of ** is shown.');
  await rowWith(page, 'about users/u1/mail').waitFor();
  for (const topic of ['secret/b', 'orders/10']) await hub.publish(topic, `about ${topic}`);
  await rowWith(page, 'about orders/10').waitFor();

  assert.deepEqual(await shown(page), ['about orders/10', 'about users/u1/mail', 'about orders/9']);
  assert.ok((await overflow(page)) <= 0);
});

scene('without a key or token the page of all topics shows what everybody may read', async (scene) => {
  const hub = await startAccessHub(scene, { subscribe: ['public/**'] });
  for (const topic of ['public/news', 'orders/9']) await hub.publish(topic, `about ${topic}`);
  const { page } = await visitConsole(scene, `${hub.url}/`);

  await told(page, 'Only what your access covers of ** is shown.');
  await rowWith(page, 'about public/news').waitFor();

  assert.deepEqual(await shown(page), ['about public/news']);
});

for (const [locale, words] of [
  ['en-US', 'This key or token covers nothing of **. Open the page of a topic that it covers'],
  ['zh-CN', '此密钥或令牌无权读取 ** 中的任何内容'],
]) {
  scene(`a token that covers nothing of the page is told so, in ${locale}`, async (scene) => {
    const hub = await startAccessHub(scene);
    await hub.publish('orders/9', 'confidential');
    const { page } = await visitConsole(scene, `${hub.url}/`, { locale });
    await page.locator('#access-input').fill(tokenFor(['inbox/u1']));
    await page.keyboard.press('Enter');

    await told(page, words);

    assert.equal(await page.locator('#banner button').count(), 1);
    assert.deepEqual(await shown(page), []);
  });
}
