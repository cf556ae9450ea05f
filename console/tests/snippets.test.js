import assert from 'node:assert/strict';
import { test } from 'node:test';

import { curlNotify, curlPublish, curlWatch, javaScript } from '../snippets.js';

const hub = 'http://127.0.0.1:8080/';
const asked = (more) => ({ hub, selectors: ['orders/42'], types: [], ...more });

test('a plain topic needs no quotes', () => {
  assert.equal(curlWatch(asked()), 'curl -N http://127.0.0.1:8080/events/orders/42');
  assert.equal(curlPublish(asked()), 'curl -d hello http://127.0.0.1:8080/events/orders/42');
});

test('what a shell would read is quoted', () => {
  const several = asked({ selectors: ['a', "it's"] });

  assert.equal(curlWatch(several), "curl -N 'http://127.0.0.1:8080/events?topic=a&topic=it%27s'");
  assert.equal(curlWatch(asked({ selectors: ['logs/**'] })), "curl -N 'http://127.0.0.1:8080/events/logs/**'");
  assert.equal(curlPublish(asked(), "it's"), "curl -d 'it'\\''s' http://127.0.0.1:8080/events/orders/42");
});

test('a type with characters that nobody sees is escaped, and still the same type', () => {
  const code = javaScript(asked({ types: ['pay\u202ed'] }));

  assert.ok(code.includes("addEventListener('pay\\u202ed', "), code);
});

test('below a path the snippets have the path', () => {
  const below = asked({ hub: 'https://example.com/push/' });

  assert.equal(curlWatch(below), 'curl -N https://example.com/push/events/orders/42');
  assert.equal(curlPublish(below), 'curl -d hello https://example.com/push/events/orders/42');
  assert.match(javaScript(below), /'https:\/\/example\.com\/push\/events\/orders\/42'/);
});

test('a pattern is published to by a topic', () => {
  assert.match(curlPublish(asked({ selectors: ['logs/**'] })), /\/events\/logs\/hello$/);
});

test('a line has a place for the key or token where one is needed, for publishing and for watching', () => {
  const header = '-H "Authorization: Bearer $TIDINGS_TOKEN"';
  const to_publish = asked({ token_to_publish: true });
  const to_watch = asked({ token_to_watch: true });

  assert.equal(curlPublish(to_publish), `curl -d hello ${header} http://127.0.0.1:8080/events/orders/42`);
  assert.equal(curlWatch(to_publish), 'curl -N http://127.0.0.1:8080/events/orders/42');
  assert.equal(curlPublish(to_watch), 'curl -d hello http://127.0.0.1:8080/events/orders/42');
  assert.equal(curlWatch(to_watch), `curl -N ${header} http://127.0.0.1:8080/events/orders/42`);
});

test('the code for a page says how an EventSource is let in where a token is needed', () => {
  assert.match(javaScript(asked({ token_to_watch: true })), /^\/\/ EventSource sends no key or token: .*\n\/\/ .*\nconst source/);
  assert.doesNotMatch(javaScript(asked({ token_to_publish: true })), /token/);
});

test('curl is told to take a certificate that nobody vouches for, where there is one', () => {
  const signed = asked({ hub: 'https://127.0.0.1:8443/', self_signed: true });

  assert.equal(curlWatch(signed), 'curl -k -N https://127.0.0.1:8443/events/orders/42');
  assert.equal(curlPublish(signed), 'curl -k -d hello https://127.0.0.1:8443/events/orders/42');
  assert.equal(curlWatch({ ...signed, hub: 'http://hub.example/' }), 'curl -N http://hub.example/events/orders/42');
});

test('JavaScript listens for each type seen, up to five', () => {
  const code = javaScript(asked({ types: ["it's", 'b', 'c', 'd', 'e', 'f'] }));

  assert.match(code, /^const source = new EventSource\(\n  'http:\/\/127\.0\.0\.1:8080\/events\/orders\/42'\n\);\n/);
  assert.ok(code.includes("source.addEventListener('it\\'s', "));
  assert.equal(code.match(/addEventListener/g).length, 5);
  assert.ok(code.endsWith("'e', show);\n// ... and so on for each type."), code);
  assert.ok(javaScript(asked({ types: ['a', 'b', 'c', 'd', 'e'] })).endsWith("'e', show);"));
});

test('a user is notified by one line, whatever the name', () => {
  assert.equal(curlNotify({ hub }, 'alice', 'Hello'), `curl -d '{"title":"Hello"}' http://127.0.0.1:8080/inbox/alice`);
  const line = curlNotify({ hub, token_to_publish: true }, "o'brien/1", "it's");
  assert.equal(line, `curl -d '{"title":"it'\\''s"}' -H "Authorization: Bearer $TIDINGS_TOKEN" 'http://127.0.0.1:8080/inbox/o'\\''brien%2F1'`);
});
