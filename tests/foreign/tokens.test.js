// Tokens that other libraries make, PyJWT and jose, with every algorithm: the hub takes the good ones and says why it refuses
// the others.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { SignJWT } from 'jose';

import { start } from './program.js';

const PYTHON = fileURLToPath(new URL('../../target/foreign/python', import.meta.url));
const MINT = fileURLToPath(new URL('clients/python/mint.py', import.meta.url));

/** A pair of keys: the one that signs, and its public half in PEM. */
function pair(kind, options) {
  const { privateKey, publicKey } = generateKeyPairSync(kind, options);
  return { sign: privateKey, check: publicKey.export({ type: 'spki', format: 'pem' }) };
}

/** A secret, which is both halves. */
function secret() {
  const text = randomBytes(48).toString('base64url');
  return { sign: createSecretKey(Buffer.from(text)), check: text };
}

const KEYS = {
  HS256: secret,
  HS384: secret,
  HS512: secret,
  RS256: () => pair('rsa', { modulusLength: 2048 }),
  PS256: () => pair('rsa', { modulusLength: 2048 }),
  ES256: () => pair('ec', { namedCurve: 'P-256' }),
  EdDSA: () => pair('ed25519'),
};

const MAKERS = {
  jose: (key, algorithm, claims) => new SignJWT(claims).setProtectedHeader({ alg: algorithm }).sign(key),
  PyJWT: (key, algorithm, claims) => {
    const text = key.type === 'secret' ? key.export().toString() : key.export({ type: 'pkcs8', format: 'pem' });
    const input = JSON.stringify({ key: text, algorithm, claims });
    const made = spawnSync('python3', [MINT], { input, encoding: 'utf8', env: { ...process.env, PYTHONPATH: PYTHON } });
    assert.equal(made.status, 0, made.stderr);
    return made.stdout.trim();
  },
};

/** A hub that takes tokens by this key alone. Returns its address. */
async function hub(t, algorithm, check) {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-tokens-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [key, config] = [join(folder, 'key'), join(folder, 'tidings.toml')];
  writeFileSync(key, check, { mode: 0o600 });
  const lines = [
    '[access.jwt]',
    `key_file = ${JSON.stringify(key)}`,
    `algorithms = ["${algorithm}"]`,
    'audience = "tidings"',
    'subscribe = ["users/{sub}/**"]',
  ];
  writeFileSync(config, lines.join('\n'), { mode: 0o600 });
  const serve = start(t, 'serve', '--config', config, '--memory', '--listen', '127.0.0.1:0');
  const line = await serve.said('listening address=');
  return `http://${/address=(\S+)/.exec(line)[1]}`;
}

/** The answer to a page of one's own events: its status, and for a refusal why. */
async function answer(url, token) {
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
  const response = await fetch(`${url}/events/users/u1/a`, { headers });
  return response.ok ? '200' : `${response.status} ${(await response.json()).detail}`;
}

for (const [algorithm, makeKey] of Object.entries(KEYS)) {
  test(`tokens signed with ${algorithm}`, { timeout: 60_000 }, async (t) => {
    const [own, other] = [makeKey(), makeKey()];
    const url = await hub(t, algorithm, own.check);
    const now = Math.floor(Date.now() / 1_000);
    const good = { sub: 'u1', aud: 'tidings', exp: now + 600, iat: now };

    for (const [maker, make] of Object.entries(MAKERS)) {
      const answered = async (key, claims) => answer(url, await make(key, algorithm, { ...good, ...claims }));
      assert.equal(await answered(own.sign, {}), '200', maker);
      assert.equal(await answered(own.sign, { aud: ['other', 'tidings'] }), '200', maker);
      assert.match(await answered(own.sign, { exp: now - 60 }), /^401 the token expired \d+ (s|min) ago$/, maker);
      assert.match(await answered(own.sign, { nbf: now + 60 }), /^401 the token begins to hold in \d+ s/, maker);
      assert.match(await answered(own.sign, { aud: 'other' }), /^401 the token is not for this hub/, maker);
      assert.match(await answered(own.sign, { sub: 'u2' }), /^403 subscribe does not cover `users\/u1\/a`$/, maker);
      assert.equal(await answered(other.sign, {}), '401 the signature is not that of the key', maker);
    }
    // What checks is public: nobody may sign with it.
    if (own.sign.type === 'private') {
      const forged = await MAKERS.jose(createSecretKey(Buffer.from(own.check)), 'HS256', good);
      assert.equal(await answer(url, forged), `401 the token is signed by the algorithm "HS256", and this hub takes ${algorithm}`);
    }
  });
}
