// `subscribe` over real sockets: what it asks, where it begins, and what it takes for passing.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { subscribe } from "../dist/index.js";
import { scriptedServer } from "./support/scripted-server.js";

const STREAM = { "Content-Type": "text/event-stream" };
const stream = (...chunks) => ({ status: 200, headers: STREAM, chunks, then: "hold" });
const ended = (...chunks) => ({ ...stream(...chunks), then: "close" });

const endings = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

test("it asks for places, topics and times, and goes on by a parameter", async () => {
  const server = await serving(ended("retry: 1\nid: 7\ndata: a\n\n"), stream("id: 8\ndata: b\n\n"));

  await heard(2, `${server.origin}/events/orders/42?last=5&on_gap=latest`, { topics: ["news/*"] });

  const [first, second] = server.requests.map(({ path }) => new URL(path, server.origin).searchParams);
  assert.deepEqual(Object.fromEntries(first), { last: "5", on_gap: "latest", topic: "news/*", opening: "always", with: "time" });
  assert.deepEqual(Object.fromEntries(second), { on_gap: "latest", topic: "news/*", last_event_id: "7", opening: "always", with: "time" });
});

test("a page that is loaded again goes on where it was", async () => {
  const storage = storing();
  const url = await (async () => {
    const server = await serving(stream("id: 7\ndata: a\n\n"), stream("id: 8\ndata: b\n\n"));
    return { server, events: `${server.origin}/events` };
  })();

  await heard(1, url.events, { topics: ["a"] });
  await heard(1, url.events, { topics: ["a"] });

  assert.equal(placeOf(url.server.requests[1]), "7");
  assert.equal(storage.size, 1);
});

for (const [what, query, options] of [
  ["another list of topics", "", { topics: ["b"] }],
  ["a URL that says where to begin", "?last=5", { topics: ["a"] }],
  ["an id that is given", "", { topics: ["a"], lastEventId: "" }],
  ["a URL that is made", "", { topics: ["a"], made: true }],
]) {
  test(`${what} begins anew after a reload`, async () => {
    storing();
    const server = await serving(stream("id: 7\ndata: a\n\n"), stream("id: 8\ndata: b\n\n"));
    await heard(1, `${server.origin}/events`, { topics: ["a"] });

    const { made, ...rest } = options;
    const url = `${server.origin}/events${query}`;
    await heard(1, made ? () => url : url, rest);

    assert.equal(placeOf(server.requests[1]), null);
  });
}

for (const secret of ["access_token=x.y.z", "ticket=abc", "expires=9999999999&key=default&signature=abc"]) {
  test(`a URL with ${secret} is not put into the storage`, async () => {
    const storage = storing();
    const server = await serving(stream("id: 7\ndata: a\n\n"));

    await heard(1, `${server.origin}/events/a?${secret}`, {});

    assert.deepEqual([...storage], []);
  });
}

test("a place is stored once for all events that came together", async () => {
  const storage = storing();
  const writes = [];
  const set = storage.set.bind(storage);
  storage.set = (key, text) => (writes.push(text), set(key, text));
  const server = await serving(stream("id: 7\ndata: a\n\nid: 8\ndata: b\n\n"));
  const subscription = subscribe(`${server.origin}/events/a`);
  endings.push(() => subscription.close());
  await new Promise((resolve) => subscription.addEventListener("message", ({ data }) => data === "b" && resolve()));
  await new Promise((resolve) => setTimeout(resolve));

  assert.deepEqual(writes, ["8"]);
});

test("a reload while an iteration has not taken all goes on with what it has not taken", async () => {
  storing();
  const events = [1, 2, 3, 4, 5].map((id) => `id: ${id}\ndata: ${id}\n\n`).join("");
  const server = await serving(stream(events), stream("id: 6\ndata: 6\n\n"));
  const subscription = subscribe(`${server.origin}/events/a`);
  endings.push(() => subscription.close());
  const iteration = subscription[Symbol.asyncIterator]();
  for (let count = 0; count < 2; count += 1) await iteration.next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(subscription.lastEventId, "2");

  await heard(1, `${server.origin}/events/a`);

  assert.equal(placeOf(server.requests[1]), "2");
});

test("an answer that is no event stream is asked for again: it may be that of a login page", async () => {
  const page = { status: 200, headers: { "Content-Type": "text/html" }, chunks: ["<p>Log in to this network"], then: "close" };
  const server = await serving(page, stream("data: a\n\n"));
  const errors = [];
  const subscription = subscribe(`${server.origin}/events/a`);
  endings.push(() => subscription.close());
  subscription.addEventListener("error", ({ status, willRetry }) => errors.push({ status, willRetry }));

  await new Promise((resolve) => subscription.addEventListener("message", resolve));

  assert.deepEqual(errors, [{ status: 200, willRetry: true }]);
});

for (const status of [204, 400, 403, 404, 410]) {
  test(`${status} closes it`, async () => {
    const server = await serving({ status, headers: {}, chunks: [], then: "close" });
    const subscription = subscribe(`${server.origin}/events/a`);
    const error = await new Promise((resolve) => subscription.addEventListener("error", resolve));

    assert.deepEqual([error.status, error.willRetry, subscription.state], [status, false, "closed"]);
  });
}

test("the text of a problem is in the error", async () => {
  const problem = { type: "urn:tidings:problem:not-covered", title: "Forbidden", detail: "subscribe does not cover `a`", uncovered: ["a"] };
  const headers = { "Content-Type": "application/problem+json" };
  const server = await serving({ status: 403, headers, chunks: [JSON.stringify(problem)], then: "close" });
  const subscription = subscribe(`${server.origin}/events/a`);
  const error = await new Promise((resolve) => subscription.addEventListener("error", resolve));

  assert.equal(error.message, "403 Forbidden: subscribe does not cover `a`");
  assert.deepEqual(error.problem, problem);
});

for (const [what, body, type] of [
  ["is cut off", '{"title":', "application/problem+json"],
  ["is of another kind", "<h1>Forbidden</h1>", "text/html"],
  ["is no object", "null", "application/json"],
  ["has strange members", '{"title": 7, "detail": {}}', "application/json"],
]) {
  test(`a problem that ${what} leaves the status`, async () => {
    const server = await serving({ status: 403, headers: { "Content-Type": type }, chunks: [body], then: "close" });
    const subscription = subscribe(`${server.origin}/events/a`);
    const error = await new Promise((resolve) => subscription.addEventListener("error", resolve));

    assert.equal(error.status, 403);
    assert.match(error.message, /^403 /);
  });
}

test("what helped last time is used first, and forgotten when a better one works", async () => {
  const storage = storing();
  const server = await serving(stream("id: 7\ndata: a\n\n"), ended("id: 8\ndata: b\n\n"));
  storage.set(`tidings.transport ${server.origin}`, `long-poll ${Date.now()}`);
  const transports = await heard(1, `${server.origin}/events/a`);
  assert.deepEqual(transports, ["long-poll"]);
  assert.match(server.requests[0].path, /mode=long-poll/);

  storage.set(`tidings.transport ${server.origin}`, `long-poll ${Date.now() - 600_000}`);
  assert.deepEqual(await heard(1, `${server.origin}/events/a`), ["sse"]);
  assert.equal(storage.has(`tidings.transport ${server.origin}`), false);
});

test("a transport that there is not closes it, and nothing is asked", async () => {
  const server = await serving(stream("data: a\n\n"));
  const subscription = subscribe(`${server.origin}/events/a`, { transport: "websockets" });
  const error = await new Promise((resolve) => subscription.addEventListener("error", resolve));

  assert.deepEqual([error.message, error.willRetry, server.requests.length], ["no such transport: websockets", false, 0]);
});

test("one transport is used alone, whatever has helped before", async () => {
  const storage = storing();
  const server = await serving(stream("id: 7\ndata: a\n\n"));
  storage.set(`tidings.transport ${server.origin}`, `long-poll ${Date.now()}`);

  assert.deepEqual(await heard(1, `${server.origin}/events/a`, { transport: "sse" }), ["sse"]);
});

async function serving(...script) {
  const server = await scriptedServer(() => script);
  endings.push(() => server.close());
  return server;
}

/** Hears some events, and says over which transports. */
async function heard(count, url, options) {
  const transports = [];
  const subscription = subscribe(url, options);
  endings.push(() => subscription.close());
  subscription.addEventListener("transport", ({ transport }) => transports.push(transport));
  for await (const _ of subscription) if ((count -= 1) === 0) break;
  return transports;
}

function placeOf({ path }) {
  return new URL(path, "http://hub").searchParams.get("last_event_id");
}

/** The storages of a browser, as one map. */
function storing() {
  const kept = new Map();
  const storage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, text) => kept.set(key, text),
    removeItem: (key) => kept.delete(key),
  };
  for (const area of ["sessionStorage", "localStorage"]) {
    const before = Object.getOwnPropertyDescriptor(globalThis, area);
    Object.defineProperty(globalThis, area, { value: storage, configurable: true });
    endings.push(() => (before ? Object.defineProperty(globalThis, area, before) : delete globalThis[area]));
  }
  return kept;
}
