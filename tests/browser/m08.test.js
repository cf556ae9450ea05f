// M8: many clients at once. Every one receives every event, those that leave disturb nobody, and leaving frees everything.

import assert from 'node:assert/strict';

import { until } from './deadline.js';
import { cast, scene } from './scene.js';
import { openWire } from './wire.js';

// Each page is a browser profile of its own, for Chromium opens six connections per host and profile.
const PAGES = 8;
const SOURCES_PER_PAGE = 5;
const WIRES = 160;
const CLIENTS = PAGES * SOURCES_PER_PAGE + WIRES;
// The test itself, whose connection may be kept alive.
const PUBLISHERS = 1;
const EVENTS = 200;

const numbered = (count) => Array.from({ length: count }, (_, n) => `event ${n + 1}`);

// The first block is the opening.
const blocks = (wire) => wire.body.slice(wire.body.indexOf('\n\n') + 2);
const heardByWire = (wire) => [...blocks(wire).matchAll(/^data: (.*)\n\n/gm)].map(([, data]) => data);
const heardByPage = (page) => page.evaluate(() => window.crowd.map((member) => member.heard));

async function openCrowd(scene, browser, origin, url) {
  const context = await browser.newContext();
  scene.after(() => context.close());
  const page = await context.newPage();
  await page.goto(`${origin}/crowd.html?${new URLSearchParams({ url, count: SOURCES_PER_PAGE })}`);
  await page.waitForFunction(() => window.crowd.every((member) => member.open), null, { polling: 20 });
  return page;
}

scene('M8 of 200 clients half leave in the middle: the others receive everything, and the hub frees what they held', async (scene) => {
  const { pages, hub, browser } = await cast(scene, '--heartbeat', '1s');
  const socketsBefore = await hub.sockets();
  const url = `${hub.url}/events/es`;
  const crowds = [];
  for (let n = 0; n < PAGES; n++) crowds.push(await openCrowd(scene, browser, pages.origin, url));
  const wires = await Promise.all(Array.from({ length: WIRES }, () => openWire(scene, hub.port, '/events/es')));
  await Promise.all(wires.map((wire) => wire.bodyWith('\n\n')));
  await until('all are connected', async () => (await hub.sockets()) >= socketsBefore + CLIENTS);
  const [leavingPages, stayingPages] = [crowds.slice(0, PAGES / 2), crowds.slice(PAGES / 2)];
  const [leavingWires, stayingWires] = [wires.slice(0, WIRES / 2), wires.slice(WIRES / 2)];
  const published = numbered(EVENTS);

  let departure;
  for (const [n, data] of published.entries()) {
    await hub.publish('es', data);
    // Not awaited: they leave while events go out.
    if (n === EVENTS / 2) {
      leavingWires.forEach((wire) => wire.leave());
      departure = Promise.all(leavingPages.map((page) => page.close()));
    }
  }
  await departure;

  const last = published.at(-1);
  const everyone = (last) => window.crowd.every((member) => member.heard.includes(last));
  await Promise.all(stayingPages.map((page) => page.waitForFunction(everyone, last, { polling: 20 })));
  await Promise.all(stayingWires.map((wire) => wire.bodyWith(`${last}\n\n`)));
  for (const page of stayingPages) {
    for (const heard of await heardByPage(page)) assert.deepEqual(heard, published);
    assert.deepEqual(await page.evaluate(() => window.crowd.map((member) => member.errors)), [0, 0, 0, 0, 0]);
  }
  for (const wire of stayingWires) assert.deepEqual(heardByWire(wire), published);
  for (const wire of leavingWires) {
    const heard = heardByWire(wire);
    assert.deepEqual(heard, published.slice(0, heard.length));
  }
  await until('the hub has freed those that left', async () => (await hub.sockets()) <= socketsBefore + CLIENTS / 2 + PUBLISHERS);
  await Promise.all(stayingWires.map((wire) => wire.bodyWith(`${last}\n\n:`)));

  stayingWires.forEach((wire) => wire.leave());
  await Promise.all(stayingPages.map((page) => page.close()));
  await until('the hub has freed all', async () => (await hub.sockets()) <= socketsBefore + PUBLISHERS);
});

scene('M8 two clients: the second to connect receives as the first does', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const crowds = [];
  for (let n = 0; n < 2; n++) crowds.push(await openCrowd(scene, browser, pages.origin, `${hub.url}/events/es`));

  for (const data of numbered(3)) await hub.publish('es', data);

  for (const page of crowds) {
    await page.waitForFunction(() => window.crowd.every((member) => member.heard.length === 3), null, { polling: 20 });
    assert.deepEqual(await heardByPage(page), Array(SOURCES_PER_PAGE).fill(numbered(3)));
  }
});
