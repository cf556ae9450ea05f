// The requests of the other transports, and the URLs of a hub.

import assert from "node:assert/strict";
import { test } from "node:test";

import { core } from "../dist/core.js";
import { adapted } from "../dist/fallback.js";
import { besides, selectorsOf } from "../dist/paths.js";
import { requestOf } from "../dist/requests.js";

const HUB = "https://hub.example";
const asked = (url, more) => ({ url, topics: [], ...more });
const ask = (href, headers = {}) => ({ url: new URL(href), headers, credentials: undefined, id: "" });

test("other URLs of a hub stand beside that of its events, below whatever path", () => {
  const cases = [
    ["/events", "/subscribe"],
    ["/events/", "/subscribe"],
    ["/events/orders/42?last=5&topic=a#x", "/subscribe"],
    ["/push/events?topic=a", "/push/subscribe"],
    ["/a/b/events/orders", "/a/b/subscribe"],
    // A topic may have a segment of this name.
    ["/events/app/events/42", "/subscribe"],
    ["/push/events/events", "/push/subscribe"],
    ["/events/my-events", "/subscribe"],
    // An alias stands below the root.
    ["/stream", "/subscribe"],
    ["/push/stream", "/push/subscribe"],
    ["/my-events/a", "/my-events/subscribe"],
  ];
  for (const [given, path] of cases) assert.equal(besides(new URL(given, HUB), "subscribe").href, HUB + path, given);
});

test("selectors stand in the path or in parameters", () => {
  const cases = [
    ["/events/orders/42", ["orders/42"]],
    ["/push/events/orders/*?last=5", ["orders/*"]],
    ["/events/app/events/42", ["app/events/42"]],
    ["/events/%E6%88%BF%E9%97%B4/a%2F%2Fb%20%25", ["\u623f\u95f4/a//b %"]],
    ["/events?topic=a&topic=b%2F*", ["a", "b/*"]],
    ["/events/?topic=a", ["a"]],
    ["/events", []],
  ];
  for (const [given, selectors] of cases) assert.deepEqual(selectorsOf(new URL(given, HUB)), selectors, given);
});

test("a POST has in its body what the URL has, but for what shows who asks", () => {
  const query = "topic=a&topic=b%2F*&last=5&opening=always&with=time&expires=1&key=default&signature=x&tenant=1";

  const { url, method, headers, body } = adapted(core, ask(`${HUB}/push/events?${query}`, { accept: "text/event-stream" }), "post", true);

  assert.equal(url.href, `${HUB}/push/subscribe?expires=1&key=default&signature=x&tenant=1`);
  assert.equal(method, "POST");
  assert.deepEqual(headers, { accept: "text/event-stream", "content-type": "application/json" });
  assert.deepEqual(JSON.parse(body), { topics: ["a", "b/*"], last: "5", opening: "always", with: "time" });
  assert.deepEqual(JSON.parse(adapted(core, ask(`${HUB}/events/a?lastEventId=1-2`), "post", true).body), { topics: ["a"], last_event_id: "1-2" });
});

test("a poll says so, and the first one is answered at once", () => {
  for (const mode of ["poll", "long-poll"]) {
    assert.equal(adapted(core, ask(`${HUB}/events/a?last=5`), mode, true).url.search, `?last=5&mode=${mode}&wait=0s`);
    assert.equal(adapted(core, ask(`${HUB}/events/a`), mode, false).url.search, `?mode=${mode}`);
  }
});

test("what cannot be told by a request brings what carries it", () => {
  for (const transport of ["websocket", "native", "iframe"]) {
    const { carry, url } = adapted(core, ask(`${HUB}/events/a`), transport, true);
    assert.equal(typeof carry, "function");
    assert.equal(url.href, `${HUB}/events/a`);
  }
});

test("once there is a place, it takes the place of every other beginning", async () => {
  const url = `${HUB}/events?last=5&since=1h&last_event_id=x&lastEventId=y&on_gap=latest`;

  const first = await requestOf(asked(url, { topics: ["a", "b/*"] }), "sse", "", true);
  const next = await requestOf(asked(url, { topics: ["a"] }), "sse", "1-2", false);

  assert.equal(first.url.search, "?last=5&since=1h&last_event_id=x&lastEventId=y&on_gap=latest&topic=a&topic=b%2F*&opening=always&with=time");
  assert.equal(next.url.search, "?on_gap=latest&topic=a&last_event_id=1-2&opening=always&with=time");
  assert.deepEqual([first.id, next.id], ["", "1-2"]);
});

test("URL, token and headers are made for each request, and the URL that was given stays as it is", async () => {
  const made = [];
  const given = new URL(`${HUB}/events/a`);
  const make = (name, value) => async () => {
    made.push(name);
    return value;
  };
  const wanted = asked(make("url", given), { token: make("token", "t"), headers: make("headers", { Accept: "text/event-stream;q=1" }), credentials: "include" });

  for (const transport of ["sse", "post"]) {
    const { headers, credentials } = await requestOf(wanted, transport, "", true);
    assert.equal(headers.authorization, "Bearer t");
    assert.equal(headers.accept, "text/event-stream;q=1");
    assert.equal(credentials, "include");
  }

  assert.deepEqual(made.sort(), ["headers", "headers", "token", "token", "url", "url"]);
  assert.equal(given.href, `${HUB}/events/a`);
});

test("the end of access is known where the next request may show something else", async () => {
  const signed = `${HUB}/events/a?expires=1767225600&key=default&signature=x`;

  assert.equal(await (await requestOf(asked(() => signed), "sse", "", true)).until, 1_767_225_600_000);
  assert.equal((await requestOf(asked(signed), "sse", "", true)).until, undefined);
  assert.equal((await requestOf(asked(() => `${HUB}/events/a`), "sse", "", true)).until, undefined);
});
