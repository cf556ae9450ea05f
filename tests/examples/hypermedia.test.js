// The pages with libraries of other people, without a client of ours: htmx, Turbo and Datastar.

import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';

import { startAccessHub } from '../browser/access-hub.js';
import { until } from '../browser/deadline.js';
import { restartHub, startHub } from '../browser/hub.js';
import { code, runShell } from './guide.js';
import { freePort } from './program.js';
import { HUB, newVisitor, startSite } from './site.js';
import { together } from './together.js';
import { fits, shows, visit } from './visit.js';

/** What a backend publishes for an order in each of the three, and how one is told that it was paid. */
const KINDS = {
  htmx: {
    added: (text) => ({ data: `<li>${text}</li>` }),
    paid: (text) => ({ data: text, event: 'paid' }),
  },
  turbo: {
    added: (text) => ({ data: `<turbo-stream action="prepend" target="orders"><template>\n<li>${text}</li>\n</template></turbo-stream>` }),
  },
  datastar: {
    added: (text) => ({ data: `selector #orders\nmode prepend\nelements <li>\nelements ${text}</li>`, event: 'datastar-patch-elements' }),
    paid: (text) => ({ data: `signals {"paid": "${text}"}`, event: 'datastar-patch-signals' }),
  },
};

/** The code of the guide, and what it shows. */
const SAID = {
  htmx: { 'htmx: a line of the list, and an event of the element': { li: 'Order 1', output: 'Order 1' } },
  turbo: { 'Turbo: a line of the list': { li: 'Order 1' } },
  datastar: {
    'Datastar: a line of the list': { li: 'Order 1' },
    'Datastar: a signal, as an SDK of Datastar writes it': { output: 'Order 1' },
  },
};

const FLAGS = ['--retry', '100ms', '--drain-window', '0s'];

const publish = (hub, { data, event }) => hub.publish('orders', data, { event });
const list = (page) => page.locator('li').allTextContents().then((texts) => texts.map((text) => text.trim()));

together(Object.keys(KINDS), 'shows the newest and what comes, and misses nothing over a restart of the hub', async (scene, name, browser) => {
  const { added, paid } = KINDS[name];
  let hub;
  const origin = await startSite(scene, () => hub.url);
  hub = await startHub(scene, ...FLAGS, '--cors-origin', origin);
  await publish(hub, added('Order 0'));
  const page = await visit(scene, await newVisitor(browser), `${origin}/${name}.html`);
  await shows(page, 'li', 'Order 0');
  for (const [title, shown] of Object.entries(SAID[name])) {
    const answers = await runShell(code('frameworks.md', title, [[HUB, hub.url]]));
    assert.doesNotMatch(answers, /"detail"/);
    for (const [selector, text] of Object.entries(shown)) await shows(page, selector, text);
  }
  await publish(hub, added('Order 2 &lt;b&gt;'));
  await shows(page, 'li', 'Order 2 <b>');
  if (paid) {
    await publish(hub, paid('Order 2, by card'));
    await shows(page, 'output', 'Order 2, by card');
  }
  await fits(page, name);
  assert.deepEqual(page.complaints, []);

  await hub.stop();
  hub = await restartHub(scene, hub.directory, ...hub.flags, '--listen', `127.0.0.1:${hub.port}`);
  await publish(hub, added('Order 3'));
  await shows(page, 'li', 'Order 3');
  await publish(hub, added('Order 4'));
  await shows(page, 'li', 'Order 4');
  assert.deepEqual(await list(page), ['Order 4', 'Order 3', 'Order 2 <b>', 'Order 1', 'Order 0']);
});

together(Object.keys(KINDS), 'comes to a hub that was not there when the page was loaded, and hears of a log that is gone', async (scene, name, browser) => {
  const { added, paid } = KINDS[name];
  const port = await freePort();
  const origin = await startSite(scene, () => `http://127.0.0.1:${port}`);
  const start = () => startHub(scene, ...FLAGS, '--memory', '--cors-origin', origin, '--listen', `127.0.0.1:${port}`);
  const page = await visit(scene, await newVisitor(browser), `${origin}/${name}.html`);
  await until('it has tried', () => page.complaints.length > 0);
  let hub = await start();
  await publish(hub, added('Before'));
  await shows(page, 'li', 'Before');

  await hub.stop();
  hub = await start();
  await publish(hub, added('After'));
  await shows(page, 'li', 'After');

  // Datastar does not tell the page of the gap, so what was there before stays.
  const anew = name === 'datastar' ? ['After', 'Before'] : ['After'];
  await until('the page has loaded anew', async () => isDeepStrictEqual(await list(page), anew));
});

together(Object.keys(KINDS), 'a page that may not read says so, and its list stays empty', async (scene, name, browser) => {
  let hub;
  const origin = await startSite(scene, () => hub.url);
  hub = await startAccessHub(scene, {}, '--memory', '--cors-origin', origin);
  const page = await visit(scene, await newVisitor(browser), `${origin}/${name}.html`);

  await shows(page, '[role=status], [role=alert]', name === 'turbo' ? /^refused$/ : 'refused: 401');
  await fits(page, `${name}-refused`);
  assert.equal(await page.locator('ol').textContent(), '');
});
