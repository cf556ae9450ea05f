// Publishing: what is sent, what is sent again, and that it is published once.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Failure, history, publish, publishAll } from "../dist/index.js";
import { closedHubOf, hubOf, KEY, proxyOf } from "./support/hub.js";
import { scriptedServer } from "./support/scripted-server.js";

const PROBLEM = { type: "urn:tidings:problem:not-covered", title: "Forbidden", status: 403, detail: "publish does not cover `a`" };
const created = (body = { id: "1-1" }, headers = {}) => answer(201, body, headers);
const answer = (status, body, headers = {}) => ({
  status,
  headers: { "content-type": status < 400 ? "application/json" : "application/problem+json", ...headers },
  chunks: [JSON.stringify(body)],
  then: "close",
});
const busy = (headers) => answer(503, { ...PROBLEM, status: 503 }, headers);

async function serverOf(t, script, options) {
  const server = await scriptedServer(() => script, options);
  t.after(() => server.close());
  return server;
}

async function dataOf(url) {
  const all = [];
  for await (const { data } of history(url).events()) all.push(data);
  return all;
}

test("an event is sent with its type, its id and a key of its own", async (t) => {
  const { origin, requests } = await serverOf(t, [created({ id: "paid-42" }), created()]);

  const first = await publish(`${origin}/events/orders/42`, { state: "paid" }, { type: "status", id: "paid-42", except: "1vcknh9ndjmm8" });
  const second = await publish(`${origin}/events/orders/42`, "a text\n");

  const [one, two] = requests;
  assert.equal(one.method, "POST");
  assert.equal(one.path, "/events/orders/42?event=status&id=paid-42&except=1vcknh9ndjmm8");
  assert.equal(one.body, '{"state":"paid"}');
  assert.equal(one.headers["content-type"], "application/json");
  assert.match(one.headers["idempotency-key"], /^[0-9a-f]{32}$/);
  assert.deepEqual(first, { id: "paid-42", key: one.headers["idempotency-key"], replayed: false });
  assert.deepEqual([two.path, two.body, two.headers["content-type"]], ["/events/orders/42", "a text\n", "text/plain;charset=UTF-8"]);
  assert.notEqual(second.key, first.key);
});

test("the topic may stand beside the URL of the events", async (t) => {
  const { origin, requests } = await serverOf(t, [created()], { repeats: true });

  for (const topic of ["orders/42", "\u623f\u95f4/100 %?#", "a//b", "/a"]) await publish(`${origin}/push/events`, "", { topic });
  await publish(`${origin}/events/?key=1`, "", { topic: "a" });

  const paths = requests.map(({ path }) => path);
  assert.deepEqual(paths, [
    "/push/events/orders/42",
    "/push/events/%E6%88%BF%E9%97%B4/100%20%25%3F%23",
    "/push/events/a%2F%2Fb",
    "/push/events/%2Fa",
    "/events/a?key=1",
  ]);
});

test("what cannot be asked is refused at once", async (t) => {
  const { origin, requests } = await serverOf(t, [created()]);
  const circle = {};
  circle.circle = circle;

  await assert.rejects(publish("http://[", "a"), TypeError);
  await assert.rejects(publish(`${origin}/events/a`, circle), TypeError);
  await assert.rejects(publish(`${origin}/events/a`, undefined), TypeError);
  await assert.rejects(publish(`${origin}/events/a`, () => {}), TypeError);
  await assert.rejects(publish(`${origin}/events/a`, "", { topic: "b", timeoutMs: 100 }), /`topic` goes with the URL `\/events` of a hub/);

  assert.equal(requests.length, 0);
});

test("it is sent again with the same key, and with what is shown anew", async (t) => {
  const reset = { status: 200, headers: {}, chunks: [], then: "reset" };
  const script = [undefined, busy(), answer(429, {}), answer(408, {}), answer(425, {}), reset, created({ id: "1-9" }, { "idempotency-replayed": "true" })];
  const { origin, requests } = await serverOf(t, script);
  let asked = 0;

  const published = await publish(`${origin}/events/a`, "data", { token: async () => `token ${(asked += 1)}`, headers: () => ({ "X-Tenant": `${asked}` }) });

  assert.deepEqual(published, { id: "1-9", key: requests[0].headers["idempotency-key"], replayed: true });
  assert.equal(requests.length, 7);
  for (const [number, { headers, body }] of requests.entries()) {
    assert.equal(headers["idempotency-key"], published.key);
    assert.equal(headers.authorization, `Bearer token ${number + 1}`);
    assert.ok(headers["x-tenant"]);
    assert.equal(body, "data");
  }
});

test("a refusal is a failure with its problem, and is not asked for again", async (t) => {
  const { origin, requests } = await serverOf(t, [answer(403, PROBLEM)]);

  await assert.rejects(publish(`${origin}/events/a`, "data"), (failure) => {
    assert.ok(failure instanceof Failure);
    assert.equal(failure.status, 403);
    assert.deepEqual(failure.problem, PROBLEM);
    assert.match(failure.message, /publish does not cover `a`/);
    return true;
  });
  assert.equal(requests.length, 1);
});

test("after 401 another token is shown, once", async (t) => {
  const refused = answer(401, { ...PROBLEM, status: 401 });
  const fixed = await serverOf(t, [refused]);
  const fresh = await serverOf(t, [refused, created(), refused, refused]);

  await assert.rejects(publish(`${fixed.origin}/events/a`, "", { token: "old" }), { status: 401 });
  await publish(`${fresh.origin}/events/a`, "", { token: () => "new" });
  await assert.rejects(publish(`${fresh.origin}/events/a`, "", { token: () => "new" }), { status: 401 });

  assert.equal(fixed.requests.length, 1);
  assert.equal(fresh.requests.length, 4);
});

test("a call has an end", async (t) => {
  const silent = await serverOf(t, [{ status: 201, headers: { "content-length": "9" }, chunks: [] }], { repeats: true });
  const away = await serverOf(t, [busy({ "retry-after": "3600" })]);
  const gone = await serverOf(t, [busy()], { repeats: true });

  await assert.rejects(publish(`${silent.origin}/events/a`, "", { timeoutMs: 100 }), { status: 0, message: "no answer has come in time" });
  await assert.rejects(publish(`${away.origin}/events/a`, ""), { status: 503, retryAfterMs: 3_600_000 });
  await assert.rejects(publish(`${gone.origin}/events/a`, "", { timeoutMs: 1_000 }), { status: 503 });
  await assert.rejects(publish("/events/a", "", { timeoutMs: 100, token: () => new Promise(() => {}) }), TypeError);
  await assert.rejects(publish(`${gone.origin}/events/a`, "", { timeoutMs: 100, token: () => new Promise(() => {}) }), { status: 0 });
  assert.equal(away.requests.length, 1);
  assert.ok(gone.requests.length > 1);
});

test("a signal ends a call, before it, during an attempt and between two", async (t) => {
  const hanging = await serverOf(t, [{ status: 201, headers: { "content-length": "9" }, chunks: [] }]);
  const away = await serverOf(t, [busy({ "retry-after": "20" })]);
  const reason = new Error("the page has changed its mind");
  const begun = (server, signal) => publish(`${server.origin}/events/a`, "", { signal });

  await assert.rejects(begun(hanging, AbortSignal.abort(reason)), reason);
  for (const server of [hanging, away]) {
    const abort = new AbortController();
    const call = begun(server, abort.signal);
    while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    abort.abort(reason);
    await assert.rejects(call, reason);
  }
});

test("what a hub has taken is not published twice, though the answer is lost", async (t) => {
  const hub = await hubOf(t, "--memory");
  const proxy = await proxyOf(t, hub, { loses: (number) => number < 2 });

  const { replayed, id } = await publish(`${proxy.url}/events/orders/42`, "once");
  const again = await publishAll(`${proxy.url}/events`, [{ topic: "a", data: 1 }, { topic: "b", data: "two", type: "t", id: "own" }]);

  assert.equal(replayed, true);
  assert.match(id, /-1$/);
  assert.deepEqual(await dataOf(`${hub.url}/events/orders/42`), ["once"]);
  assert.equal(again.ids[1], "own");
});

test("several events are published together or not at all", async (t) => {
  const hub = await hubOf(t, "--memory");
  const proxy = await proxyOf(t, hub, { loses: (number) => number === 0 });
  const events = [{ topic: "orders/1", data: { state: "paid" }, type: "status" }, { topic: "mail/\u00e9", data: "sent\n", id: "mail-7" }];

  const first = await publishAll(`${proxy.url}/events`, events.values());
  const second = await publishAll(`${hub.url}/events`, events, { key: first.key });

  assert.deepEqual([first.replayed, second.replayed], [true, true]);
  assert.deepEqual(first.ids, second.ids);
  assert.deepEqual(await dataOf(`${hub.url}/events/**`), ['{"state":"paid"}', "sent\n"]);
  const bad = [{ topic: "orders/1", data: "" }, { topic: "orders//1", data: "", type: "tidings.no" }];
  await assert.rejects(publishAll(`${hub.url}/events`, bad), (failure) => failure.status === 400 && failure.problem.line === 2);
  assert.equal((await dataOf(`${hub.url}/events/**`)).length, 2);
});

test("a key that was used for another event is refused", async (t) => {
  const hub = await hubOf(t, "--memory");
  const url = `${hub.url}/events/a`;

  const first = await publish(url, "one", { key: "mine" });
  const second = await publish(url, "one", { key: "mine" });

  assert.deepEqual([first, second], [{ id: first.id, key: "mine", replayed: false }, { id: first.id, key: "mine", replayed: true }]);
  await assert.rejects(publish(url, "two", { key: "mine" }), { status: 422 });
});

test("a closed hub takes what is shown", async (t) => {
  const hub = await closedHubOf(t, "--memory");

  await assert.rejects(publish(`${hub.url}/events/a`, ""), (failure) => failure.status === 401 && /credentials-required$/.test(failure.problem.type));
  await assert.rejects(publish(`${hub.url}/events/a`, "", { token: "wrong" }), { status: 401 });

  assert.equal((await publish(`${hub.url}/events/a`, "", { token: KEY })).replayed, false);
});

test("what is wrong with a call is told at once, and nothing is sent", async (t) => {
  const server = await serverOf(t, [busy()], { repeats: true });
  const url = `${server.origin}/events/a`;

  await assert.rejects(publish(url, "", { topic: "b" }), TypeError);
  for (const timeoutMs of ["abc", NaN, -1]) await assert.rejects(publish(url, "", { timeoutMs }), TypeError);
  for (const data of [new Blob(["x"]), new FormData(), new Uint8Array(2), new ArrayBuffer(2), new URLSearchParams("a=b"), new Map(), new Set()]) {
    await assert.rejects(publish(url, data), TypeError);
  }
  assert.equal(server.requests.length, 0);
});
