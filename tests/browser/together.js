// Scenes that mostly wait, side by side in one browser: each has a context of its own, so that none sees what another stores.

import { after, before, describe } from 'node:test';

import { chromium, launchOptions } from './chromium.js';
import { scene } from './scene.js';

// Each hub waits for the end of the process, to end with it.
process.setMaxListeners(50);

/** More at once make a small machine late. */
const AT_ONCE = 8;

/**
 * `scenes` maps the name of a scene to its act, which is called with the scene and a context of the browser. `options` are those of
 * the contexts.
 */
export function together(name, scenes, options = {}) {
  let browser;
  describe(name, { concurrency: AT_ONCE }, () => {
    before(async () => (browser = await chromium.launch(launchOptions())));
    after(() => browser?.close());
    for (const [title, act] of Object.entries(scenes)) {
      scene(title, async (scene) => {
        const context = await browser.newContext(options);
        scene.after(() => context.close());
        await act(scene, context);
      });
    }
  });
}
