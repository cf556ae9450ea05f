import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  exampleTopic,
  inboxPathOf,
  isPattern,
  mayHavePart,
  pathOf,
  soleTopic,
  stepsOf,
  subjectOf,
  withParameters,
} from '../topic.js';

const at = (url, root = '/') => {
  const { pathname, search } = new URL(url, `http://hub.test${root}`);
  return subjectOf({ pathname, search }, root);
};

test('the home page shows everything', () => {
  assert.deepEqual(at('/'), { selectors: ['**'], home: true, begin: [] });
});

test('below a path of another server the page is the same', () => {
  assert.deepEqual(at('/push/', '/push/'), { selectors: ['**'], home: true, begin: [] });
  assert.deepEqual(at('/push/?topic=a', '/push/').selectors, ['a']);
  assert.deepEqual(at('/push/console/', '/push/').home, true);
  assert.deepEqual(at('/push/events', '/push/').home, false);
  assert.deepEqual(at('/push/events?topic=a', '/push/').selectors, ['a']);
  assert.deepEqual(at('/push/events/a/b', '/push/').selectors, ['a/b']);
  assert.deepEqual(at('/events/hub/events/events/a', '/events/hub/').selectors, ['events/a']);
});

test('there may be a part for access of another selector, and of what a pattern contains', () => {
  assert.equal(mayHavePart(['a', 'b'], ['b']), true);
  assert.equal(mayHavePart(['**'], ['**']), true);
  assert.equal(mayHavePart(['a', 'orders/*'], ['a', 'orders/*']), true);
  assert.equal(mayHavePart(['a', 'b'], ['a', 'b']), false);
  assert.equal(mayHavePart(['**'], []), false);
});

test('a topic page shows its topic, whatever it is made of', () => {
  assert.deepEqual(at('/events/orders/42').selectors, ['orders/42']);
  assert.deepEqual(at('/events/%E8%AE%A2%E5%8D%95/1').selectors, ['\u8ba2\u5355/1']);
  assert.deepEqual(at('/events/https%3A%2F%2Fexample.com%2Fbooks%2F1').selectors, ['https://example.com/books/1']);
  assert.deepEqual(at('/events/logs/**').selectors, ['logs/**']);
});

test('several topics are named by parameters, each once', () => {
  assert.deepEqual(at('/events?topic=a&topic=b%20c&topic=a').selectors, ['a', 'b c']);
});

test('no topic at all shows everything', () => {
  assert.deepEqual(at('/events').selectors, ['**']);
  assert.equal(at('/events').home, false);
});

test('a path that cannot be decoded is shown as it stands', () => {
  assert.deepEqual(at('/events/%E8%AE').selectors, ['%E8%AE']);
});

test('where the stream begins is kept for the stream', () => {
  assert.deepEqual(at('/events/a?since=earliest&_=1').begin, [['since', 'earliest']]);
});

test('paths and subjects are inverse', () => {
  const topics = ['a', 'orders/42', '/a', 'a/', 'a//b', 'a b?#%&+', "it's", '\u8ba2\u5355/\u{1f600}', '**', 'x/*/y'];
  for (const topic of topics) assert.deepEqual(at(pathOf([topic])).selectors, [topic]);
  assert.deepEqual(at(pathOf(topics)).selectors, topics);
});

test('slashes that could be folded are encoded', () => {
  assert.equal(pathOf(['/a']), 'events/%2Fa');
  assert.equal(pathOf(['a//b']), 'events/a%2F%2Fb');
  assert.equal(pathOf(['a/']), 'events/a%2F');
  assert.equal(pathOf(['a/b']), 'events/a/b');
});

test('an address that is no topic is asked for as it stands, so that the hub can say so', () => {
  for (const topic of ['a/../b', '..', './a']) {
    assert.deepEqual(at(pathOf([topic])).selectors, [topic]);
  }
});

test('only a whole segment of stars makes a pattern', () => {
  assert.deepEqual(['a*', 'a/*', '**/b', 'a/b'].map(isPattern), [false, true, true, false]);
});

test('one plain selector is a topic to publish to', () => {
  assert.equal(soleTopic(['a/b']), 'a/b');
  assert.equal(soleTopic(['a/*']), '');
  assert.equal(soleTopic(['a', 'b']), '');
});

test('an example is among what is shown', () => {
  assert.equal(exampleTopic(['**']), 'hello');
  assert.equal(exampleTopic(['orders/*/state']), 'orders/hello/state');
  assert.equal(exampleTopic(['logs/**', 'a/b']), 'a/b');
});

test('parameters are added behind others, and left out when empty', () => {
  assert.equal(withParameters('/events/a', [['last', '50'], ['id', '']]), '/events/a?last=50');
  assert.equal(withParameters('/events?topic=a', [['event', 'x y']]), '/events?topic=a&event=x%20y');
});

test('each step of a topic leads to all below it', () => {
  assert.deepEqual(stepsOf('a/b/c'), [
    { segment: 'a', selector: 'a/**' },
    { segment: 'b', selector: 'a/b/**' },
    { segment: 'c', selector: 'a/b/c' },
  ]);
});

test('an inbox is at the name of its user, and a name that no URL can hold has none', () => {
  assert.equal(inboxPathOf('alice'), 'inbox/alice');
  assert.equal(inboxPathOf('a/b ?#%\u738b'), 'inbox/a%2Fb%20%3F%23%25%E7%8E%8B');
  for (const name of ['', '.', '..', 'a\ud83d']) assert.equal(inboxPathOf(name), '', JSON.stringify(name));
});
