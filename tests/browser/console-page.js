// The console in a real browser, and what a test sees of it.

import { startChromium } from './chromium.js';

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

/** Opens the console, and waits until it is live. */
export async function openConsole(scene, url, options) {
  const visit = await visitConsole(scene, url, options);
  await visit.page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
  return visit;
}

/** Opens the console, in a browser of its own unless one is given. What goes wrong collects in `complaints`. */
export async function visitConsole(scene, url, { viewport = DESKTOP, browser, context, ...options } = {}) {
  context ??= await (browser ?? (await startChromium(scene))).newContext({ viewport, locale: 'en-US', ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  return { page, context, complaints };
}

/** The texts of the events that are shown, newest first. */
export const shown = (page) => page.locator('#list .event-data').allTextContents();

/** Looks at the data alone: together with the id behind it, another text may read the same. */
export const rowWith = (page, text) => page.locator('#list .event').filter({ has: page.locator('.event-data', { hasText: text }) });

export async function fillAndPublish(page, { topic, data }) {
  const form = page.locator('#publish-form');
  if (topic !== undefined) await form.getByLabel('Topic').fill(topic);
  await form.getByLabel('Data').fill(data);
  await form.getByRole('button', { name: 'Publish' }).click();
  await form.getByText('Published as').waitFor();
}

export async function history(hub, topic) {
  const answer = await fetch(`${hub.url}/events/${topic}?since=earliest`, { headers: { accept: 'application/json' } });
  return JSON.stringify(await answer.json());
}
