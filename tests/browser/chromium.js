// The browser: Debian's Chromium, headless, driven through playwright-core.
//
// A test that could not run has failed. Without a browser every test here fails, and says what to install.

import { existsSync } from 'node:fs';

import { chromium } from 'playwright-core';

export { chromium };

const BINARY = process.env.CHROMIUM_BIN ?? '/usr/bin/chromium';

// The sandbox needs a user that containers and CI do not have; the rest keeps the browser from calling home.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

// Signals are the scene's business; the browser is ended with the process in any case.
const SIGNALS = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };

/** Starts a browser that ends with the scene. `flags` are more flags of its own. */
export async function startChromium(scene, flags = []) {
  const browser = await chromium.launch(launchOptions(flags));
  scene.after(() => browser.close());
  return browser;
}

/** What `chromium.launch` and `chromium.launchServer` need here. */
export function launchOptions(flags = []) {
  if (!existsSync(BINARY)) {
    throw new Error(`no Chromium at ${BINARY}: install Debian's package \`chromium\`, or set CHROMIUM_BIN`);
  }
  return { executablePath: BINARY, args: [...FLAGS, ...flags], ...SIGNALS };
}
