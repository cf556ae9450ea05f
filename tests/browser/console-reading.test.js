// What somebody who reads the console relies on: times, a list that stands still, text that is what it seems to be.

import assert from 'node:assert/strict';

import { startChromium } from './chromium.js';
import { fillAndPublish, openConsole, rowWith, shown } from './console-page.js';
import { startHub } from './hub.js';
import { startRelay } from './relay.js';
import { scene } from './scene.js';

const TIME = /^\d\d:\d\d:\d\d\.\d{3}$/;

/** The times of the rows, newest first, and those that the hub tells in its history. */
async function times(page, hub) {
  const told = [];
  for (let query = 'since=earliest', more = true; more; ) {
    const answer = await fetch(`${hub.url}/events/**?${query}`, { headers: { accept: 'application/json' } });
    const page = await answer.json();
    told.unshift(...page.events.map(({ time }) => time.slice(11, 23)).reverse());
    ({ more } = page);
    query = `after=${page.cursor}`;
  }
  return { seen: await page.locator('#list .event-time').allTextContents(), told };
}

scene('the time of an event is that of its publishing: of one that is live, of an old one, and of one after a break', async (scene) => {
  const hub = await startHub(scene, '--retry', '1s');
  const relay = await startRelay(scene, hub.port);
  for (let number = 0; number < 60; number += 1) await hub.publish('a', `old ${number}`);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const { page } = await openConsole(scene, `${relay.url}/events/a?since=earliest`, { timezoneId: 'UTC' });

  await hub.publish('a', 'x'.repeat(1_000_000));
  await hub.publish('a', 'live');
  await rowWith(page, 'live').waitFor();
  relay.cut();
  await page.getByRole('status').filter({ hasText: 'Reconnecting' }).waitFor();
  await hub.publish('a', 'during the break');
  relay.heal();
  await rowWith(page, 'during the break').waitFor();

  const { seen, told } = await times(page, hub);
  assert.equal(seen.length, 63);
  assert.deepEqual(seen, told);
  for (const time of seen) assert.match(time, TIME);
});

scene('what was published long ago is no traffic of now', async (scene) => {
  const hub = await startHub(scene);
  for (let number = 0; number < 200; number += 1) await hub.publish('a', `old ${number}`);
  await new Promise((resolve) => setTimeout(resolve, 6_500));

  const { page } = await openConsole(scene, `${hub.url}/events/a?since=earliest`);
  await rowWith(page, 'old 199').waitFor();
  await page.waitForTimeout(1_200);

  assert.equal(await page.locator('.rate').textContent(), '0/s');
});

scene('an opened row holds the list until it is closed', async (scene) => {
  const hub = await startHub(scene);
  const { page } = await openConsole(scene, `${hub.url}/`);
  await hub.publish('a', 'read me');
  const opener = rowWith(page, 'read me').getByRole('button').first();
  await opener.click();
  const before = await rowWith(page, 'read me').boundingBox();

  await hub.publish('a', 'later');
  await page.getByRole('button', { name: '1 new event' }).waitFor();

  assert.equal((await shown(page)).length, 1);
  assert.deepEqual(await rowWith(page, 'read me').boundingBox(), before);
  await opener.click();
  await rowWith(page, 'later').waitFor();
});

scene('a paused page does not say that it is live', async (scene) => {
  const hub = await startHub(scene);
  const { page } = await openConsole(scene, `${hub.url}/`);

  await page.getByRole('button', { name: 'Pause' }).click();
  await hub.publish('a', 'held');
  await page.getByRole('button', { name: '1 new event' }).waitFor();
  assert.equal(await page.locator('#phase').innerText(), 'Paused');

  await page.getByRole('button', { name: 'Resume' }).click();
  await rowWith(page, 'held').waitFor();
  assert.equal(await page.locator('#phase').innerText(), 'Live');
});

scene('characters that nobody sees, or that turn text around, are shown by their numbers wherever they stand', async (scene) => {
  const hub = await startHub(scene);
  const hidden = '\u202e\u2066\u061c\u200b';
  await hub.publish(encodeURIComponent(`topic${hidden}`), `data${hidden}`, { event: `type${hidden}`, id: `id${hidden}` });
  const hostile = /[\u202e\u2066\u061c\u200b]/;
  const browser = await startChromium(scene);

  for (const path of ['/', `/events/${encodeURIComponent(`topic${hidden}`)}`]) {
    const { page } = await openConsole(scene, hub.url + path, { browser });
    await rowWith(page, 'data').getByRole('button').first().click();
    await page.locator('#list .detail').waitFor();

    const text = await page.evaluate(() => [document.title, document.body.innerHTML.replace(/<input[^>]*>|<option[^>]*>/g, '')].join());
    assert.doesNotMatch(text, hostile, path);
    for (const part of ['data', 'type', 'id']) assert.match(await page.locator('#list .detail').textContent(), new RegExp(`${part}U\\+202EU\\+2066U\\+061CU\\+200B`));
    await page.close();
  }
});

scene('that the hub cannot be reached is taken back when it can be, and the event goes out then', async (scene) => {
  const hub = await startHub(scene);
  const relay = await startRelay(scene, hub.port);
  const { page } = await openConsole(scene, `${relay.url}/`);
  relay.cut();
  await page.locator('#publish-form').getByLabel('Data').fill('x');
  await page.locator('#publish-form').getByRole('button', { name: 'Publish' }).click();
  await page.getByText('The hub cannot be reached.').waitFor();

  relay.heal();

  await page.getByText('The hub can be reached again.').waitFor();
  assert.equal(await page.getByText('The hub cannot be reached.').count(), 0);
  await page.locator('#publish-form').getByRole('button', { name: 'Publish' }).click();
  await page.getByText('Published as').waitFor();
});

scene('an event that is lost on its way is sent again, and published once', async (scene) => {
  const hub = await startHub(scene);
  const relay = await startRelay(scene, hub.port);
  const { page } = await openConsole(scene, `${relay.url}/events/a`);
  await fillAndPublish(page, { data: 'before' });
  relay.cut();
  await page.locator('#publish-form').getByLabel('Data').fill('meanwhile');
  await page.locator('#publish-form').getByRole('button', { name: 'Publish' }).click();
  await page.getByText('The hub has not answered yet.').waitFor();

  relay.heal();

  await page.getByText('Published as').waitFor();
  await rowWith(page, 'meanwhile').waitFor();
  assert.deepEqual(await shown(page), ['meanwhile', 'before']);
});

scene('a refusal is told in the language of the page', async (scene) => {
  const hub = await startHub(scene);
  const { page } = await openConsole(scene, `${hub.url}/`);
  const form = page.locator('#publish-form');
  await form.getByLabel('Topic').fill('tidings/x');
  await form.getByLabel('Data').fill('x');
  await form.getByRole('button', { name: 'Publish' }).click();
  await form.getByText('is reserved').or(form.getByText('reserved')).first().waitFor();

  await page.locator('#language').click();

  assert.match(await page.locator('.outcome').textContent(), /\u4fdd\u7559/);
});
