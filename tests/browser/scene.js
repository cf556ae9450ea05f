// A scene: a test, and what it starts. Everything is ended in the opposite order, whatever happened.

import { test } from 'node:test';

import { startChromium } from './chromium.js';
import { startHub } from './hub.js';
import { startPageServer } from './page-server.js';

const TIMEOUT_MS = 120_000;

// A run that is told to end leaves by the door, where the hub and the browser are ended too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

/** Runs `act` as a test. What `act` starts registers its ending with `scene.after`. */
export function scene(name, act) {
  test(name, { timeout: TIMEOUT_MS }, async () => {
    const endings = [];
    const failures = [];
    const attempt = async (step) => {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    };
    await attempt(() => act({ after: (end) => endings.push(end) }));
    while (endings.length > 0) await attempt(endings.pop());
    if (failures.length > 1) throw new AggregateError(failures, failures.map(String).join('; '), { cause: failures[0] });
    if (failures.length === 1) throw failures[0];
  });
}

/** The usual cast: a browser, an origin of plain pages, and a hub that lets these pages read. */
export async function cast(scene, ...flags) {
  const pages = await startPageServer(scene);
  const hub = await startHub(scene, '--cors-origin', pages.origin, ...flags);
  const browser = await startChromium(scene);
  return { pages, hub, browser };
}
