// The console in a browser, through a proxy: what it shows, what it publishes, and what the browser complains about.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { KEY } from './site.js';

/** Opens the console and waits until it is live. `key` is that of the hub; empty for a hub that has none. */
export async function openConsole(visitor, url, key = KEY) {
  const page = await visitor.newPage();
  // As if it had been typed into the form when the hub asked for it.
  if (key) await page.addInitScript((key) => sessionStorage.setItem('tidings.key', key), key);
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
  return new ConsolePage(page, complaints);
}

class ConsolePage {
  constructor(page, complaints) {
    Object.assign(this, { page, complaints });
  }

  /** Waits until an event with this text is shown. */
  async shows(text) {
    await this.page.locator('#list .event').filter({ hasText: text }).first().waitFor();
  }

  /** Fills in the form and presses *Publish*. */
  async publish({ topic, data }) {
    const form = this.page.locator('#publish-form');
    if (topic !== undefined) await form.getByLabel('Topic').fill(topic);
    await form.getByLabel('Data').fill(data);
    await form.getByRole('button', { name: 'Publish' }).click();
  }

  /** Publishes, and waits until the form says that it worked and the list shows it. */
  async publishes(event) {
    await this.publish(event);
    await this.page.locator('#publish-form').getByText('Published as').waitFor();
    await this.shows(event.data);
  }

  /** The protocol of the page itself, as the browser names it: `h2`, `http/1.1`. */
  protocol() {
    return this.page.evaluate(() => performance.getEntriesByType('navigation')[0].nextHopProtocol);
  }

  /** Saves what is to be seen, if `TIDINGS_SHOTS` names a folder. */
  async shoot(name) {
    const folder = process.env.TIDINGS_SHOTS;
    if (!folder) return;
    await mkdir(folder, { recursive: true });
    await this.page.screenshot({ path: join(folder, `${name}.png`) });
  }

  /** The browser had nothing to complain about. */
  assertQuiet() {
    assert.deepEqual(this.complaints, []);
  }
}
