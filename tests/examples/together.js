// A scene in which several do the same at the same time, because most of it is waiting. They share a browser.

import { startChromium } from '../browser/chromium.js';
import { scene } from '../browser/scene.js';

// Each hub and program is told by a listener of its own when this process ends.
const LISTENERS_MAX = 50;
process.setMaxListeners(LISTENERS_MAX);

/** Runs `act(scene, name, browser)` for each of `names`. A failure says whose it is. */
export function together(names, what, act) {
  scene(`${names.join(', ')}: ${what}`, async (scene) => {
    const browser = await startChromium(scene);
    const ends = await Promise.allSettled(names.map((name) => act(scene, name, browser)));
    const failures = ends.flatMap(({ reason }, n) => (reason ? [new Error(`${names[n]}: ${reason.message}`, { cause: reason })] : []));
    if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('; '), { cause: failures[0] });
  });
}
