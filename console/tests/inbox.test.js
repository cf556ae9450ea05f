// The page of the inbox: its words, and the lines that it shows.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { DICTIONARY } from '../dictionary.js';
import { INBOX_WORDS } from '../inbox-demo/dictionary.js';
import { curlMany, curlOne, script } from '../inbox-demo/lines.js';

const words = { ...DICTIONARY.en, ...INBOX_WORDS.en };
const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const hub = 'https://hub.example/push/';

test('both languages have the same words, and the page asks for words that there are', () => {
  assert.deepEqual(Object.keys(INBOX_WORDS.zh), Object.keys(INBOX_WORDS.en));
  for (const key of Object.keys(INBOX_WORDS.en)) assert.ok(!(key in DICTIONARY.en), key);
  const page = read('inbox.html');
  const asked = [...page.matchAll(/data-word(?:-[a-z-]+)?="([^"]+)"/g)].map(([, key]) => key);
  assert.ok(asked.length > 10);
  for (const key of asked) assert.ok(key in words, key);
  const code = page + readdirSync(new URL('../inbox-demo/', import.meta.url)).map((name) => read(`inbox-demo/${name}`)).join('\n');
  for (const key of Object.keys(INBOX_WORDS.en)) {
    const count = code.split(key).length - 1;
    assert.ok(count > 2 || key.startsWith('inbox.state.'), `${key} is asked for`);
  }
});

test('a shell reads each line as it was meant, whatever the name of a user is', () => {
  const argumentsOf = (line) => execFileSync('sh', ['-c', `curl() { for word do printf '%s\\n' "$word"; done; }\n${line}`], { encoding: 'utf8', env: { TIDINGS_TOKEN: 't' } }).split('\n').slice(0, -1);
  for (const user of ['alice', "o'hara", 'a b', 'a/b?c#d', '$(reboot)', '`x`', '\u7231\u4e3d\u4e1d', '"']) {
    const place = { hub, self_signed: true, token: true };
    const one = argumentsOf(curlOne(place, user));
    assert.deepEqual(one.slice(0, 4), ['-k', '-H', 'Authorization: Bearer t', '-d']);
    assert.deepEqual(JSON.parse(one[4]), { title: 'Your order has left', link: '/orders/9' });
    assert.equal(decodeURIComponent(new URL(one[5]).pathname), `/push/inbox/${user}`);
    const many = argumentsOf(curlMany({ ...place, self_signed: false, token: false }, [user, 'bob']));
    assert.deepEqual(JSON.parse(many[1]).users, [user, 'bob']);
    assert.equal(many[2], 'https://hub.example/push/inbox');
  }
  assert.equal(script(hub, 'a"><script>').split('\n')[1], '<tidings-inbox user="a&quot;>&lt;script>"></tidings-inbox>');
});
