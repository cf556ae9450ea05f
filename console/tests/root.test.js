// The script in the page: where it looks for the hub's files, whatever a proxy has made of the path.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { runInNewContext } from 'node:vm';

const PAGE = readFileSync(new URL('../index.html', import.meta.url), 'utf8');
const [, SCRIPT] = /<script>([\s\S]*?)<\/script>/.exec(PAGE);

/** What the script writes into a page at `address` that the hub saw as `seen`. */
function written(address, seen) {
  const { origin, pathname } = new URL(address);
  let text = '';
  runInNewContext(SCRIPT, {
    location: { origin, pathname },
    document: { querySelector: () => ({ content: seen }), write: (...parts) => (text += parts.join('')) },
    URL,
  });
  return text;
}

/** The root of the hub that the page at `address` finds. */
function rootOf(address, seen) {
  const [, root] = /<script src="(.*)console\/early\.js">/.exec(written(address, seen));
  return root;
}

test('the root is what stands before the path that the hub saw', () => {
  for (const [address, seen, root] of [
    ['/', '/', '/'],
    ['/push/', '/', '/push/'],
    ['/push/console/', '/console/', '/push/'],
    ['/push/console', '/console', '/push/'],
    ['/push/events', '/events', '/push/'],
    ['/push', '/', '/push/'],
    ['/push/events/a/b/', '/events/a/b/', '/push/'],
    ['/a/events/b/events/c', '/events/c', '/a/events/b/'],
    ['/a/events/b/events/c', '/events/b/events/c', '/a/'],
    ['/events/push/events/x', '/events/x', '/events/push/'],
    ['/console/events/console/', '/events/console/', '/console/'],
  ]) {
    assert.equal(rootOf(`http://h${address}`, seen), `http://h${root}`, `${address} ${seen}`);
  }
});

test('the root is found where a proxy has decoded the path, or folded its slashes or dots', () => {
  for (const [address, seen] of [
    ['/push/events/x%2Fy', '/events/x/y'],
    ['/push/events/a%2F%2Fb', '/events/a/b'],
    ['/push/events/a//b', '/events/a/b'],
    ['/push/events/%2Fa', '/events/a'],
    ['/push/events/a%2F..%2Fb', '/events/b'],
    ['/push/events/https%3A%2F%2Fexample.com%2F', '/events/https:/example.com/'],
    ['/push/events/%E8%AE%A2', '/events/\u8ba2'],
    ['/push/events/%zz', '/events/%zz'],
    ['/push/events/events%2Fa', '/events/events/a'],
  ]) {
    assert.equal(rootOf(`http://h${address}`, seen), 'http://h/push/', address);
  }
});

test('a path that has nothing of the one that the hub saw is as deep as it', () => {
  assert.equal(rootOf('http://h/push/topics/a', '/events/a'), 'http://h/push/');
  assert.equal(rootOf('http://h/push/none/a', '/events'), 'http://h/push/none/');
});

test('no path leads the page to another host, or out of an attribute', () => {
  assert.equal(rootOf('http://h//other.example/events/a', '/events/a'), 'http://h//other.example/');
  assert.equal(rootOf('http://h/a&quot;b/events/a', '/events/a'), 'http://h/a&amp;quot;b/');
  assert.ok(!written('http://h/"><script>/events/a', '/events/a').includes('"><script>/events'));
});

// The hub would change the script, and its hash would not be the one in the policy.
test('the script has nothing in it that the hub fills in', () => {
  assert.doesNotMatch(SCRIPT, /\{(path|root|home|aliases|certificate)\}/);
});

test('every style of the console is in the page', () => {
  const text = written('http://h/', '/');
  const styles = readdirSync(new URL('..', import.meta.url)).filter((name) => name.endsWith('.css'));
  assert.ok(styles.length > 0);
  for (const name of styles) {
    assert.ok(text.includes(`<link rel="stylesheet" href="http://h/console/${name}">`), name);
  }
});
