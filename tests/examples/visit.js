// A page of an example in the browser, and what it complains of.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { DEADLINE_MS } from '../browser/deadline.js';

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

/** Opens a page that is closed with the scene. `browser` may be a browser or one of its contexts. */
export async function visit(scene, browser, url) {
  const page = await browser.newPage();
  scene.after(() => page.close());
  page.complaints = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && page.complaints.push(message.text()));
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  await page.goto(url);
  return page;
}

/** Waits until an element of the page holds this text. */
export async function shows(page, selector, text) {
  try {
    await page.locator(selector).filter({ hasText: text }).first().waitFor({ timeout: DEADLINE_MS });
  } catch (cause) {
    const there = await page.locator(selector).allTextContents();
    throw new Error(`waited until ${selector} shows ${text}; it shows ${JSON.stringify(there)}`, { cause });
  }
}

/** Fails if the page is wider than a phone, and saves what is to be seen in both widths if `TIDINGS_SHOTS` names a folder. */
export async function fits(page, name) {
  const folder = process.env.TIDINGS_SHOTS;
  if (folder) await mkdir(folder, { recursive: true });
  for (const [width, size] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    await page.setViewportSize(size);
    await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth);
    if (folder) await page.screenshot({ path: join(folder, `${name}-${width}.png`) });
  }
}
