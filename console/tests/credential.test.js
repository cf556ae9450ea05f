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
const { authorization, forgetCredential, hasCredential, onCredential, useCredential } = await import('../credential.js');

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
  assert.deepEqual(holding('localStorage'), ['early.js', 'theme.js', 'words.js']);
  assert.deepEqual(holding('localStorage').filter((name) => holding('./credential.js').includes(name)), []);
});
