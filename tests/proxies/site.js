// A site: the hub, a proxy in front of it, and a browser that finds `hub.example` on loopback.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startChromium } from '../browser/chromium.js';
import { startHub } from '../browser/hub.js';
import { makeCertificate } from './certificate.js';
import { program, runnable } from './guide.js';
import { freePort, startProxy, temporaryFolder } from './proxy.js';

/** The publish key of every hub here. */
export const KEY = 'the-key-of-this-test';

/** A hub as the guide starts it: with a key, and with the name of the site. */
export async function startGuideHub(scene, ...flags) {
  const folder = await temporaryFolder(scene);
  const file = join(folder, 'publish-key');
  writeFileSync(file, `${KEY}\n`, { mode: 0o600 });
  return startHub(scene, '--publish-key-file', file, '--allowed-host', 'hub.example', ...flags);
}

/** The hub behind a configuration of the guide, at `url`. */
export async function startGuideSite(scene, title, ...flags) {
  const hub = await startGuideHub(scene, ...flags);
  const [port, folder] = [await freePort(), await temporaryFolder(scene)];
  const files = makeCertificate(folder);
  await startProxy(scene, program(title), port, runnable(title, { hub, port, files }));
  const path = title.includes('below a path') ? '/push' : '';
  return { hub, port, path, url: `https://hub.example:${port}${path}` };
}

/** A browser that finds `hub.example` on this machine, and takes the certificates of these tests. */
export async function startVisitor(scene, options = {}) {
  const browser = await startChromium(scene, ['--host-resolver-rules=MAP hub.example 127.0.0.1']);
  return browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-US', viewport: { width: 1280, height: 800 }, ...options });
}
