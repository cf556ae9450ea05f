// The console of a hub that stands below a path of another server: everything works there, and nothing is asked for outside.

import assert from 'node:assert/strict';

import { startChromium } from './chromium.js';
import { fillAndPublish, openConsole, rowWith, shown } from './console-page.js';
import { startHub } from './hub.js';
import { startPrefixProxy } from './prefix-proxy.js';
import { scene } from './scene.js';

for (const prefix of ['/push/', '/events/hub/']) {
  scene(`below ${prefix} the console shows, publishes and leads from page to page, and its snippets have the path`, async (scene) => {
    const hub = await startHub(scene);
    const proxy = await startPrefixProxy(scene, hub.port, prefix);
    const root = proxy.origin + prefix;
    await hub.publish('orders/42', 'from outside');
    const { page, complaints } = await openConsole(scene, root);
    const live = () => page.getByRole('status').filter({ hasText: 'Live' }).waitFor();

    await rowWith(page, 'from outside').waitFor();
    await fillAndPublish(page, { topic: 'orders/42', data: 'from the form' });
    await page.locator('#topic-list').getByRole('link', { name: 'orders/42' }).click();
    await live();

    assert.equal(page.url(), `${root}events/orders/42`);
    assert.deepEqual(await shown(page), ['from the form', 'from outside']);
    assert.match(await page.locator('#snippets').textContent(), new RegExp(`curl -N ${root}events/orders/42`));

    await page.locator('#title').getByRole('link', { name: 'orders' }).click();
    await live();
    assert.equal(page.url(), `${root}events/orders/**`);
    assert.equal((await shown(page)).length, 2);

    await page.locator('#go-to').fill('a/b c');
    await page.locator('#go-to').press('Enter');
    await page.waitForURL(`${root}events?topic=a/b&topic=c`.replace('a/b', 'a%2Fb'));
    await live();

    await page.locator('.brand').click();
    await live();
    assert.equal(page.url(), root);
    assert.deepEqual([proxy.strays, complaints], [[], []]);
  });
}

scene('below a path every page of the console is live', async (scene) => {
  const hub = await startHub(scene);
  const proxy = await startPrefixProxy(scene, hub.port, '/deep/er/');
  const browser = await startChromium(scene);
  const paths = ['', 'console', 'console/', 'events', 'events/a/b/', 'events/a%2Fb', 'events?topic=a&topic=b/c', 'events/a/**'];

  for (const path of paths) {
    const { page, complaints } = await openConsole(scene, `${proxy.origin}/deep/er/${path}`, { browser });

    assert.deepEqual([path, proxy.strays, complaints], [path, [], []]);
    await page.close();
  }
});

scene('behind a proxy that hands on its path without a slash, the page goes to the one with it', async (scene) => {
  const hub = await startHub(scene);
  const proxy = await startPrefixProxy(scene, hub.port, '/push/', { redirects: false });

  const { page } = await openConsole(scene, `${proxy.origin}/push?last=7`);

  assert.equal(page.url(), `${proxy.origin}/push/?last=7`);
  await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
  assert.equal(await page.locator('#failed').isVisible(), false);
  await fillAndPublish(page, { topic: 'a', data: 'from the form' });
  await rowWith(page, 'from the form').waitFor();
});

scene('where no slash mends it, a page whose files are not found says so', async (scene) => {
  const hub = await startHub(scene);
  const proxy = await startPrefixProxy(scene, hub.port, '/push/', { redirects: false });
  const page = await (await startChromium(scene)).newPage();
  await page.route('**/console/*', (route) => route.fulfill({ status: 404, body: '' }));

  await page.goto(`${proxy.origin}/push`);

  const failed = page.getByRole('alert').filter({ hasText: 'has not arrived' });
  await failed.waitFor();
  assert.match(await failed.textContent(), /Behind a proxy, the address of the hub ends with a slash\./);
  assert.equal(page.url(), `${proxy.origin}/push`);
});
