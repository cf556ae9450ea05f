// nginx and HAProxy as people have them, without the guide: what the console shows and publishes with each way of passing on
// the host, and what the hub says when something cannot work.

import assert from 'node:assert/strict';

import { startHub } from '../browser/hub.js';
import { scene } from '../browser/scene.js';
import { openConsole } from './console-page.js';
import { startGuideHub, startVisitor } from './site.js';
import { NGINX_WAYS, startNginx, WAYS } from './ways.js';

/** The name of a screenshot. */
const shot = (name) => name.replace(/\W+/g, '-').toLowerCase();

for (const [name, way] of Object.entries(WAYS)) {
  scene(`${name}: on localhost the console is live and publishes`, async (scene) => {
    const hub = await startGuideHub(scene, ...way.flags);
    const page = await openConsole(await startVisitor(scene), `${await way.start(scene, hub)}/`);

    await page.publishes({ topic: 'orders/42', data: 'hello' });

    await page.shoot(shot(name));
    page.assertQuiet();
  });
}

for (const [name, way] of Object.entries(NGINX_WAYS)) {
  scene(`${name}: a hub that was told the site's name publishes from its pages over plain http`, async (scene) => {
    const hub = await startGuideHub(scene, ...(way.flags ?? []));
    const page = await openConsole(await startVisitor(scene), `http://hub.example:${await startNginx(scene, hub, way)}/`);

    await page.publishes({ topic: 'orders/42', data: 'hello' });

    page.assertQuiet();
  });
}

scene('nginx, bare proxy_pass: a hub that was told no name shows events under another one, and says why it does not publish', async (scene) => {
  const hub = await startHub(scene);
  const port = await startNginx(scene, hub, { lines: '' });
  const page = await openConsole(await startVisitor(scene), `http://hub.example:${port}/`);
  await hub.publish('orders/42', 'seen');
  await page.shows('seen');

  await page.publish({ topic: 'orders/42', data: 'hello' });

  await page.page.locator('#publish-form').getByText('hub.example').first().waitFor();
  assert.match(hub.said, new RegExp(`hub\\.example:${port}`));
});

// `proxy_pass http://hub/;` hands the hub another path than the browser has: decoded, and with its slashes and dots folded.
scene('nginx, below a path that it decodes: the page of every topic is live, and leads back to the hub', async (scene) => {
  const hub = await startHub(scene);
  const root = `http://localhost:${await startNginx(scene, hub, { lines: '' }, '/push/')}/push/`;
  const visitor = await startVisitor(scene);

  for (const path of ['events/x%2Fy', 'events/a%2F%2Fb', 'events/%2Fa', 'events/a%2F..%2Fb', 'events/a/%2e%2e%2Fb', 'events/events%2Fa']) {
    const page = await openConsole(visitor, root + path, '');

    assert.equal(await page.page.locator('.brand').evaluate((brand) => brand.href), root, path);
    page.assertQuiet();
  }
});
