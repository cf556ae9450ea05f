// The page that people see first: `/` and a topic's own URL, live, in a real browser, under its own strict policy.

import assert from 'node:assert/strict';

import { fillAndPublish, history, openConsole, PHONE, rowWith, shown } from './console-page.js';
import { startHub } from './hub.js';
import { startRelay } from './relay.js';
import { scene } from './scene.js';

scene('the console at / shows an event live and publishes from its form, without a complaint of the browser', async (scene) => {
  const hub = await startHub(scene);
  const { page, complaints } = await openConsole(scene, `${hub.url}/`);

  await hub.publish('orders/42', 'from outside');
  await rowWith(page, 'from outside').waitFor();
  await fillAndPublish(page, { topic: 'orders/43', data: 'from the form \u4f60\u597d' });
  await rowWith(page, 'from the form \u4f60\u597d').waitFor();

  assert.deepEqual(await shown(page), ['from the form \u4f60\u597d', 'from outside']);
  assert.match(await history(hub, 'orders/43'), /from the form/);
  assert.deepEqual(complaints, []);
});

scene('a topic\u2019s URL in the address bar shows that topic alone, and publishes to it', async (scene) => {
  const hub = await startHub(scene);
  const { page, complaints } = await openConsole(scene, `${hub.url}/events/orders/42`);

  await hub.publish('elsewhere', 'not for this page');
  await hub.publish('orders/42', 'one');
  await fillAndPublish(page, { data: 'two' });
  await rowWith(page, 'two').waitFor();

  assert.deepEqual(await shown(page), ['two', 'one']);
  assert.match(await history(hub, 'orders/42'), /two/);
  assert.deepEqual(complaints, []);
});

scene('on a phone the console fits the width, and events and form are a touch away', async (scene) => {
  const hub = await startHub(scene);
  await hub.publish('a/topic/whose/name/is/longer/than/a/phone/is/wide', 'x'.repeat(2_000));
  const { page, complaints } = await openConsole(scene, `${hub.url}/`, { viewport: PHONE, hasTouch: true, isMobile: true });
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  const tab = (name) => page.locator('#tabs').getByRole('button', { name });

  for (const name of ['Topics', 'Publish', 'Code', 'Events']) {
    await tab(name).tap();
    assert.ok((await overflow()) <= 0, `${name} is ${await overflow()} pixels too wide`);
  }
  await tab('Publish').tap();
  await fillAndPublish(page, { topic: 'phone', data: 'from the phone' });
  await tab('Events').tap();
  await rowWith(page, 'from the phone').waitFor();

  assert.ok(await rowWith(page, 'from the phone').isVisible());
  assert.deepEqual(complaints, []);
});

scene('what is published is shown as text: markup and script in data, type, id and topic do nothing', async (scene) => {
  const hub = await startHub(scene);
  const { page, complaints } = await openConsole(scene, `${hub.url}/`);
  const hostile = '<img src=x onerror="window.harmed = true"><script>window.harmed = true</script>';

  await hub.publish(encodeURIComponent('<b>topic'), hostile, { event: hostile, id: hostile });
  await rowWith(page, 'onerror').waitFor();
  await rowWith(page, 'onerror').getByRole('button').first().click();
  await page.locator('#list .detail').waitFor();

  assert.equal(await page.locator('#list img, #list script, #list b').count(), 0);
  assert.equal(await page.evaluate(() => window.harmed), undefined);
  assert.deepEqual(complaints, []);
});

scene('the policy is in force: a script that somebody slips into the page does not run, and the browser says so', async (scene) => {
  const hub = await startHub(scene);
  const { page, complaints } = await openConsole(scene, `${hub.url}/`);

  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.harmed = true';
    document.body.append(script);
  });

  assert.equal(await page.evaluate(() => window.harmed), undefined);
  assert.match(complaints.join('\n'), /Content Security Policy/);
});

scene('after a cut the console comes back by itself and shows what it missed', async (scene) => {
  const hub = await startHub(scene, '--retry', '1s');
  const relay = await startRelay(scene, hub.port);
  const { page } = await openConsole(scene, `${relay.url}/`);
  await hub.publish('a', 'before');
  await rowWith(page, 'before').waitFor();

  relay.cut();
  await page.getByRole('status').filter({ hasText: 'Reconnecting' }).waitFor();
  await hub.publish('a', 'during');
  relay.heal();
  await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
  await hub.publish('a', 'after');
  await rowWith(page, 'after').waitFor();

  assert.deepEqual(await shown(page), ['after', 'during', 'before']);
});

scene('the console follows light and dark', async (scene) => {
  const hub = await startHub(scene);
  const brightness = {};
  for (const colorScheme of ['light', 'dark']) {
    const { page } = await openConsole(scene, `${hub.url}/`, { colorScheme });
    brightness[colorScheme] = await page.evaluate(() => {
      const colours = [getComputedStyle(document.documentElement).backgroundColor, getComputedStyle(document.body).color];
      return colours.map(brightnessOf);

      // Whatever notation a colour is written in, a canvas paints it in red, green and blue.
      function brightnessOf(colour) {
        const canvas = new OffscreenCanvas(1, 1).getContext('2d');
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return Math.max(...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3));
      }
    });
  }

  const [[lightPaper, lightInk], [darkPaper, darkInk]] = [brightness.light, brightness.dark];
  assert.ok(lightPaper > 200 && lightInk < 80, JSON.stringify(brightness));
  assert.ok(darkPaper < 60 && darkInk > 180, JSON.stringify(brightness));
});
