// What tabs share, what they say to each other, and which topics they know to be theirs.

import assert from "node:assert/strict";
import { test } from "node:test";

import { core } from "../dist/core.js";
import { groupOf } from "../dist/tabs/group.js";
import { read } from "../dist/tabs/messages.js";
import { contains, isReserved, unionOf } from "../dist/tabs/selectors.js";
import { hubOf } from "./support/hub.js";

const group = (url, { transports = ["sse"], topics = [], ...asked } = {}) => groupOf({ core, transports, asked: { url, topics, ...asked } });
const jwt = (claims) => ["e30", Buffer.from(JSON.stringify(claims)).toString("base64url"), "x"].join(".");
const nameFor = async (url, asked = {}) => group(url, asked).nameFor(await core.show(asked));

test("what can be shared, and what it is that a tab wants", () => {
  const wants = (url, options) => group(url, options)?.selectors;

  assert.deepEqual(wants("https://hub/events/orders/42"), ["orders/42"]);
  assert.deepEqual(wants("https://hub/below/events/caf%C3%A9/**?last=5&since=1h"), ["café/**"]);
  assert.deepEqual(wants("https://hub/events?topic=a&topic=b%2Fc&topic=a", { topics: ["d"] }), ["a", "b/c", "d"]);
  assert.deepEqual(wants("https://hub/events/a?on_gap=latest"), ["a"]);
  assert.equal(group("https://hub/below/events/a?on_gap=latest&last=5").events.href, "https://hub/below/events?on_gap=latest");
  for (const url of [
    "https://hub/stream", "https://hub/events", "https://hub/events/", "https://hub/events/a/events/b", "https://hub/events/%ff",
    "https://hub/events/a?ticket=x", "https://hub/events/a?access_token=x", "https://hub/events/a?partial=true", "https://hub/events/a?envelope=json",
    "https://hub/events/a?mode=poll", "https://hub/events?topic=tidings/presence/a", "https://hub/events/inbox/x", "https://hub/events/a?topic=b",
  ]) assert.equal(wants(url), undefined, url);
  assert.equal(wants(() => "https://hub/events/a"), undefined);
  assert.equal(wants("https://hub/events", { topics: Array.from({ length: 101 }, (_, at) => `t/${at}`) }), undefined);
  assert.equal(wants("https://hub/events/a", { transports: ["websocket"] }), undefined);
});

test("tabs share where hub, credentials and user are equal", async () => {
  const same = async (one, other) => (await nameFor(...one)) === (await nameFor(...other));
  const A = "https://hub/events/a";
  const ann = jwt({ sub: "ann", exp: 1 });

  assert.ok(await same([A], ["https://hub/events/b?last=3"]));
  assert.ok(await same([A, { token: ann }], [A, { token: () => jwt({ sub: "ann", exp: 2 }) }]));
  assert.ok(await same([A, { headers: { "X-A": "1", "x-b": "2" } }], [A, { headers: () => ({ "X-B": "2", "x-a": "1" }) }]));
  for (const [one, other] of [
    [[A], ["https://hub:8080/events/a"]], [[A], ["https://hub/below/events/a"]], [[A], [A, { credentials: "include" }]], [[A], [A, { token: ann }]],
    [[A, { token: ann }], [A, { token: jwt({ sub: "bob" }) }]], [[A, { token: ann }], [A, { token: jwt({ sub: "ann", iss: "other" }) }]],
    [[A, { token: "key-1" }], [A, { token: "key-2" }]], [[A, { token: jwt({ tidings: {} }) }], [A, { token: jwt({ tidings: { a: 1 } }) }]],
    [[A, { headers: { "x-user": "ann" } }], [A, { headers: { "x-user": "bob" } }]], [[A, { token: ann }], [A, { headers: { authorization: `Bearer ${ann}` } }]],
    [[A], [`${A}?on_gap=latest`]], [[A], [A, { transports: ["sse", "poll"] }]],
  ]) assert.ok(!(await same(one, other)), JSON.stringify([one, other]));
  assert.doesNotMatch(await nameFor(A, { token: ann, headers: { "x-user": "secret" } }), /ann|secret|hub/);
});

test("what is no message is nothing", () => {
  const event = { type: "message", data: "", id: "", topic: "", time: "", cursor: "c" };
  const items = [
    { kind: "term", wishes: { a: ["b"] }, place: "", state: "open", transport: "sse", opening: "" }, { kind: "event", event }, { kind: "gap", event }, { kind: "place", event },
    { kind: "state", state: "open", retryInMs: Infinity }, { kind: "transport", transport: "sse" }, { kind: "open", origin: "o" },
    { kind: "ended", failure: undefined, afterMs: 1, isHidden: false }, { kind: "alone", tabs: ["a"] },
  ];
  const told = (item) => ({ from: "a", term: 1, turn: 1, items: [item] });
  const wrong = [undefined, null, 0, "x", [], {}, { from: 1, word: "ping" }, { from: "a" }, { from: "a", word: "shout" }, { from: "a", word: "join" }, { from: "a", word: "join", wishes: [1] }];

  for (const message of [...items.map(told), { from: "a", word: "ping" }, { from: "a", word: "join", wishes: ["a"] }]) assert.equal(read(message), message);
  for (const message of wrong) assert.equal(read(message), undefined, JSON.stringify(message));
  for (const item of items) {
    for (const name of Object.keys(item)) {
      if (["failure", "afterMs", "isHidden"].includes(name)) continue;
      const { [name]: _, ...less } = item;
      assert.equal(read(told(less)), undefined, `${item.kind} without ${name}`);
    }
  }
  for (const item of [undefined, null, 1, {}, { kind: "toString" }, { kind: "__proto__" }, { kind: "event", event: { ...event, time: 1 } }]) assert.equal(read(told(item)), undefined);
});

test("of several selectors those are asked for that no other contains", () => {
  assert.deepEqual(unionOf([["orders/42", "a"], ["orders/*", "a"]]), ["a", "orders/*"]);
  assert.deepEqual(unionOf([["a/b"], ["**"], ["c"]]), ["**"]);
  assert.deepEqual(unionOf([["a/*", "a/**"], ["a"]]), ["a/**"]);
  assert.ok(!contains("*", "**") && contains("**", "*") && !contains("a/*", "a/**") && contains("a/**", "a"));
  assert.deepEqual(["inbox/a", "tidings/a/b", "inbox", "tidings", "inboxes/a"].map(isReserved), [true, true, false, false, false]);
});

// The hub decides what matches. What it brings for each of many patterns is compared with what a tab takes for its own.
test("a tab matches topics as the hub does", async (t) => {
  const hub = await hubOf(t, "--memory");
  const words = ["a", "b", "aa", "é", "x y"];
  const topics = new Set(["inbox", "tidings", "a/inbox/b"]);
  const patterns = new Set(["*", "**", "**/**", "*/**", "**/*", "**/a/**", "a/**/b", "a/*/b", "a/**/*/b", "**/a/**/b/**"]);
  for (const one of words) {
    topics.add(one);
    for (const two of words) for (const topic of [`${one}/${two}`, `${one}/${two}/a`, `a/${one}/b/${two}`, `${one}/${two}/${one}/${two}/b`]) topics.add(topic);
    for (const pattern of [`${one}/*`, `${one}/**`, `*/${one}`, `**/${one}`, `*/${one}/*`, `**/${one}/*`, `${one}/**/a`]) patterns.add(pattern);
  }
  const lines = [...topics].map((topic) => JSON.stringify({ topic, data: topic })).join("\n");
  const answer = await fetch(`${hub.url}/events`, { method: "POST", headers: { "content-type": "application/x-ndjson" }, body: lines });
  assert.equal(answer.status, 201, await answer.text());

  for (const pattern of patterns) {
    const url = `${hub.url}/events?limit=1000&topic=${encodeURIComponent(pattern)}`;
    const { events } = await (await fetch(url, { headers: { accept: "application/json" } })).json();
    assert.deepEqual(events.map(({ topic }) => topic), [...topics].filter((topic) => contains(pattern, topic)), pattern);
  }
});
