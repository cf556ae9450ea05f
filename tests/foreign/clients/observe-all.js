// All scenes of observe.js, for all clients of the roster: `node tests/foreign/clients/observe-all.js` prints the table of
// docs/reference/clients.md as the binary has it that TIDINGS_BIN names. install.sh has run before.

import { fileURLToPath } from 'node:url';

import { chromium, launchOptions } from '../../browser/chromium.js';
import { observeGap, observeParsing, observeQuiet, observeReturn, observeSilence } from './observe.js';
import { CLIENTS } from './roster.js';
import { page } from './words.js';

/** The facts of each of these clients: `{ client, facts }`. */
export async function observeAll(scene, clients) {
  const browser = await chromium.launchServer(launchOptions());
  process.env.CHROMIUM_ENDPOINT = browser.wsEndpoint();
  scene.after(() => {
    delete process.env.CHROMIUM_ENDPOINT;
    return browser.close();
  });
  const facts = clients.map(() => ({}));
  const observe = async (name, act, ...options) => {
    const observed = await inScene((inner) => act(inner, clients, ...options));
    observed.forEach((fact, n) => (facts[n][name] = fact));
  };
  // Two at a time: mostly they wait.
  await Promise.all([observe('quiet', observeQuiet), observe('silence', observeSilence)]);
  await Promise.all([observe('parsing', observeParsing), observe('gap', observeGap)]);
  const ended = observe('ended', observeReturn, { signal: 'SIGTERM' });
  const killed = observe('killed', observeReturn, { signal: 'SIGKILL' });
  await Promise.all([ended, killed]);
  return clients.map((client, n) => ({ client, facts: facts[n] }));
}

/** Runs one scene and ends what it started before the next begins. */
async function inScene(act) {
  const endings = [];
  try {
    return await act({ after: (end) => endings.push(end) });
  } finally {
    while (endings.length > 0) await endings.pop()();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const all = (scene) => observeAll(scene, CLIENTS);
  process.stdout.write(page(await inScene(all)));
  process.exit();
}
