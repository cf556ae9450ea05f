// The key or token of the tab: what is taken, where it is kept, and that it goes nowhere else.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const kept = new Map([['tidings.key', 'from before']]);
globalThis.sessionStorage = {
  getItem: (name) => kept.get(name) ?? null,
  setItem: (name, value) => kept.set(name, value),
  removeItem: (name) => kept.delete(name),
};
const { authorization, claimedUser, forgetCredential, hasCredential, onCredential, useCredential } = await import('../credential.js');

test('a page that is loaded again in its tab still has it', () => {
  assert.deepEqual(authorization(), { authorization: 'Bearer from before' });
});

test('it is kept for the tab, sent as a bearer, and forgotten', () => {
  let told = 0;
  onCredential(() => (told += 1));

  assert.equal(useCredential('  Bearer abc.def-_~+/= \n'), true);
  assert.deepEqual([...kept], [['tidings.key', 'abc.def-_~+/=']]);
  assert.deepEqual(authorization(), { authorization: 'Bearer abc.def-_~+/=' });
  forgetCredential();

  assert.deepEqual([authorization(), hasCredential(), kept.size, told], [{}, false, 0, 2]);
});

test('what no header can carry is not taken, and the one before stays', () => {
  useCredential('abc');

  for (const text of ['', '  ', 'Bearer ', 'a b', 'a\nb', 'caf\u00e9', '\u5bc6\u94a5', 'a\u200bb']) {
    assert.equal(useCredential(text), false, JSON.stringify(text));
  }
  assert.deepEqual(authorization(), { authorization: 'Bearer abc' });
});

test('a token says whose it is, and what is none says nothing', () => {
  const base64url = (text) => Buffer.from(text).toString('base64url');
  const tokenOf = (claims) => `${base64url('{"alg":"HS256"}')}.${base64url(claims)}.c2lnbmF0dXJl`;
  const user = (text) => (useCredential(text), claimedUser());

  for (const name of ['u1', 'J\u00fcrgen \u738b\u4f1f', 'a/b', '<b>?~\u00ff\u00fe']) assert.equal(user(tokenOf(JSON.stringify({ sub: name }))), name);
  for (const text of [tokenOf('{"sub":7}'), tokenOf('{}'), tokenOf('null'), tokenOf('no JSON'), 'k-0123456789abcdef', 'a.b', 'a.%%%.c', '..']) {
    assert.equal(user(text), '', text);
  }
  forgetCredential();
  assert.equal(claimedUser(), '');
});

test('without storage it is known until the page is left', (t) => {
  const { setItem } = sessionStorage;
  t.after(() => (sessionStorage.setItem = setItem));
  sessionStorage.setItem = () => {
    throw new Error('forbidden');
  };

  assert.equal(useCredential('xyz'), true);
  assert.deepEqual(authorization(), { authorization: 'Bearer xyz' });
});

test('only this file has to do with the storage of the tab, and none of those that use local storage has it', () => {
  const folder = new URL('../', import.meta.url);
  const sources = readdirSync(folder).filter((name) => name.endsWith('.js'));
  const holding = (text) => sources.filter((name) => readFileSync(new URL(name, folder), 'utf8').includes(text)).sort();

  assert.deepEqual(holding('sessionStorage'), ['credential.js']);
  assert.deepEqual(holding('localStorage'), ['early.js', 'inbox-user.js', 'theme.js', 'words.js']);
  assert.deepEqual(holding('localStorage').filter((name) => holding('./credential.js').includes(name)), []);
});
