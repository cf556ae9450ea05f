// A hub where access is given: by a key of the backend that may do everything, and by tokens.

import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startHub } from './hub.js';

/** The key of the backend. */
export const KEY = 'k-0123456789abcdef0123456789abcdef';
const SECRET = '0123456789abcdef0123456789abcdef';
/** The key that signs URLs. */
export const SIGNING = 'abcdef0123456789abcdef0123456789';

const SETTINGS = `
[access.jwt]
key = "${SECRET}"
algorithms = ["HS256"]
leeway = "0s"

[access.signing]
key = "${SIGNING}"

[[access.keys]]
name = "backend"
key = "${KEY}"
publish = ["**", "inbox/**"]
subscribe = ["**", "inbox/**"]
admin = true
`;

/** Starts a hub; `anonymous` is what everybody may do, such as `{ subscribe: ['public/**'] }`. */
export async function startAccessHub(scene, anonymous = {}, ...flags) {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-access-'));
  scene.after(() => rmSync(folder, { recursive: true, force: true }));
  const granted = Object.entries(anonymous).map(([what, selectors]) => `${what} = ${JSON.stringify(selectors)}\n`);
  const file = join(folder, 'tidings.toml');
  writeFileSync(file, `[access.anonymous]\n${granted.join('')}${SETTINGS}`, { mode: 0o600 });
  const hub = await startHub(scene, '--config', file, ...flags);
  return Object.assign(hub, { publish: (topic, data) => publish(hub, topic, data) });
}

/** A token that may read these selectors. */
export function tokenFor(subscribe, { seconds = 600, user = 'u1' } = {}) {
  const claims = { sub: user, exp: Math.floor(Date.now() / 1_000) + seconds, tidings: { subscribe } };
  const signed = [{ alg: 'HS256', typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
}

async function publish(hub, topic, data) {
  const answer = await hub.post(topic, data, {}, { 'Content-Type': 'text/plain', Authorization: `Bearer ${KEY}` });
  if (answer.status !== 201) throw new Error(await answer.text());
}
