// Every problem that the hub's reference lists is told in both languages.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { PROBLEMS } from '../problem-dictionary.js';
import { isAboutAccess, problemOf, unreachable } from '../problem.js';
import { sayProblem } from '../problem-words.js';
import { speak } from '../words.js';

const reference = readFileSync(new URL('../../docs/reference/http.md', import.meta.url), 'utf8');
const section = reference.split('\n## Problem types\n')[1].split('\n## ')[0];
const types = [...section.matchAll(/^\| \d+ \| `([a-z0-9-]+)` \|/gm)].map(([, type]) => type);

/** `speak` tells the page; here there is none. */
function inLanguage(t, language) {
  globalThis.document = { documentElement: {}, querySelectorAll: () => [] };
  t.after(() => speak('en'));
  speak(language);
}

const bad = { status: 400, type: 'bad-topic', title: 'Bad Request', detail: 'a topic has no segment `..`' };

test('both languages have a sentence for each type of problem', () => {
  assert.ok(types.length > 40);
  for (const language of ['en', 'zh']) {
    assert.deepEqual(types.filter((type) => !(type in PROBLEMS[language])), [], language);
  }
  assert.deepEqual(Object.keys(PROBLEMS.zh), Object.keys(PROBLEMS.en));
});

test('English is the hub\'s own sentence', (t) => {
  inLanguage(t, 'en');

  assert.equal(sayProblem(bad), bad.detail);
  assert.equal(sayProblem({ ...bad, detail: '' }), PROBLEMS.en['bad-topic']);
  assert.equal(sayProblem(unreachable()), 'The hub cannot be reached.');
});

test('Chinese is a sentence of its own, with the hub\'s behind it', (t) => {
  inLanguage(t, 'zh');

  assert.equal(sayProblem(bad), `${PROBLEMS.zh['bad-topic']}\uff08${bad.detail}\uff09`);
  assert.equal(sayProblem({ ...bad, type: 'constructor', detail: '' }), '\u670d\u52a1\u7aef\u8fd4\u56de 400 Bad Request');
});

test('a problem of another server has no type of ours', async () => {
  const answer = (type) => new Response(JSON.stringify({ type, title: 'T', detail: 'D', uncovered: 'a' }), { status: 418, headers: { 'content-type': 'application/problem+json' } });

  assert.deepEqual(await problemOf(answer('urn:tidings:problem:busy')), { status: 418, type: 'busy', title: 'T', detail: 'D', uncovered: [] });
  assert.deepEqual(await problemOf(answer('https://example.com/busy')), { status: 418, type: '', title: 'T', detail: 'D', uncovered: [] });
});

test('a refusal names the selectors that access does not cover', async () => {
  const problem = { type: 'urn:tidings:problem:not-covered', title: 'Forbidden', detail: 'D', uncovered: ['a/*', 7, 'b'] };
  const answer = new Response(JSON.stringify(problem), { status: 403, headers: { 'content-type': 'application/problem+json' } });

  assert.deepEqual((await problemOf(answer)).uncovered, ['a/*', 'b']);
});

test('a key or token helps where there is none, a bad one, or one that does not cover enough', () => {
  const about = (status, type) => isAboutAccess({ status, type });

  assert.deepEqual([about(401, ''), about(401, 'key-required'), about(403, 'not-covered')], [true, true, true]);
  assert.deepEqual([about(403, 'origin-not-allowed'), about(400, 'bad-topic'), about(0, '')], [false, false, false]);
});
