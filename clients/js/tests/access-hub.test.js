// Access at a real hub: what is shown at each attempt, renewed before its end, and below a path.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";

import { subscribe } from "../dist/index.js";
import { closedHubOf, hubOf, proxyOf, SIGNING, tokenFor } from "./support/hub.js";

const TRANSPORTS = ["sse", "post", "long-poll", "poll"];
const inSeconds = (seconds) => Math.floor(Date.now() / 1_000) + seconds;

/** As the guide to access has it. */
function signedUrl(base, topics, { seconds = 600 } = {}) {
  const expires = inSeconds(seconds);
  const text = ["tidings-sign-1", "GET", expires, "default", ...[...new Set(topics)].sort()].join("\n");
  const signature = createHmac("sha256", SIGNING).update(text).digest("base64url");
  return `${base}/events?${new URLSearchParams([...topics.map((topic) => ["topic", topic]), ["expires", expires], ["key", "default"], ["signature", signature]])}`;
}

/** A subscription that ends with the test, its events in turn, and its failures. */
function heard(t, url, options) {
  const source = subscribe(url, { share: false, ...options });
  const failures = [];
  t.after(() => source.close());
  source.addEventListener("error", ({ error, willRetry }) => failures.push({ status: error.status, willRetry }));
  const iterator = source[Symbol.asyncIterator]();
  return { source, failures, next: async () => (await iterator.next()).value.data };
}

for (const transport of TRANSPORTS) {
  test(`${transport}: token and headers are shown at every attempt, also below a path`, async (t) => {
    const hub = await closedHubOf(t, "--memory", "--retry", "100ms");
    const proxy = await proxyOf(t, hub, { prefix: "/push/hub" });
    await hub.publish("orders/1", "one");
    let asked = 0;
    const token = () => ((asked += 1), tokenFor(["orders/*"]));
    const { source, next } = heard(t, `${proxy.url}/events/orders/1?last=1`, { transport, token, headers: async () => ({ "X-Page": `${asked}` }) });

    assert.equal(await next(), "one");
    const first = proxy.requests.length;
    assert.equal(asked, first);
    await hub.publish("orders/1", "two");
    assert.equal(await next(), "two");
    source.close();

    for (const { headers, path } of proxy.requests) {
      assert.match(headers.authorization, /^Bearer ey/);
      assert.ok(headers["x-page"]);
      assert.ok(path.startsWith(transport === "post" ? "/push/hub/subscribe" : "/push/hub/events/orders/1"), path);
    }
  });

  // What is signed for POST lets publish, and what is signed for GET is for GET.
  if (transport === "post") continue;
  test(`${transport}: a signed URL is made for each attempt`, async (t) => {
    const hub = await closedHubOf(t, "--memory", "--retry", "100ms");
    let made = 0;
    const url = () => ((made += 1), signedUrl(hub.url, ["orders/1", "news/**"]));
    await hub.publish("news/a", "one");

    const { next } = heard(t, () => `${url()}&since=earliest`, { transport });
    assert.equal(await next(), "one");
    await hub.publish("orders/1", "two");
    assert.equal(await next(), "two");

    assert.ok(made >= (transport.endsWith("poll") ? 2 : 1));
  });
}

test("a token, and a signed URL, are renewed before they end, and nobody notices", async (t) => {
  const hub = await closedHubOf(t, "--memory", "--retry", "100ms");
  const proxy = await proxyOf(t, hub);
  const shown = [];
  const kinds = {
    token: [`${proxy.url}/events/orders/1`, { token: () => shown.at(shown.push(tokenFor(["orders/*"], { seconds: shown.length ? 600 : 12 })) - 1) }],
    url: [() => shown.at(shown.push(signedUrl(proxy.url, ["orders/1"], { seconds: shown.length ? 600 : 12 })) - 1), {}],
  };

  for (const [name, [url, options]] of Object.entries(kinds)) {
    shown.length = 0;
    const { failures, next, source } = heard(t, url, options);
    let expired = 0;
    source.addEventListener("tidings.expired", () => (expired += 1));
    while (source.state !== "open") await new Promise((resolve) => setTimeout(resolve, 10));
    while (shown.length < 2 || source.state !== "open") await new Promise((resolve) => setTimeout(resolve, 10));
    await hub.publish("orders/1", name);

    assert.equal(await next(), name);
    assert.deepEqual([failures, expired, shown.length], [[], 0, 2], name);
    source.close();
  }
});

test("after 401 another token is shown, and after the second 401 in a row it is over", async (t) => {
  const hub = await closedHubOf(t, "--memory", "--retry", "100ms");
  await hub.publish("orders/1", "one");
  const tokens = ["wrong", tokenFor(["orders/*"])];
  const good = heard(t, `${hub.url}/events/orders/1?last=1`, { token: () => tokens.shift() });
  const bad = heard(t, `${hub.url}/events/orders/1`, { token: () => "wrong" });
  const fixed = heard(t, `${hub.url}/events/orders/1`, { token: "wrong" });

  assert.equal(await good.next(), "one");
  await assert.rejects(bad.next(), { status: 401 });
  await assert.rejects(fixed.next(), { status: 401 });

  assert.deepEqual(good.failures, [{ status: 401, willRetry: true }]);
  assert.deepEqual(bad.failures, [{ status: 401, willRetry: true }, { status: 401, willRetry: false }]);
  assert.deepEqual(fixed.failures, [{ status: 401, willRetry: false }]);
});

test("a failure of the network before a 401 takes no chance from it", async (t) => {
  const hub = await closedHubOf(t, "--memory", "--retry", "100ms");
  const proxy = await proxyOf(t, hub, { loses: (number) => number === 0 });
  await hub.publish("orders/1", "one");
  const tokens = ["lost on the way", "wrong", tokenFor(["orders/*"])];

  const { failures, next } = heard(t, `${proxy.url}/events/orders/1?last=1`, { token: () => tokens.shift() });

  assert.equal(await next(), "one");
  assert.deepEqual(failures, [{ status: 0, willRetry: true }, { status: 401, willRetry: true }]);
});

test("what is not covered is told with its selectors, whatever asks", async (t) => {
  const hub = await closedHubOf(t, "--memory");

  for (const transport of TRANSPORTS) {
    const { next } = heard(t, `${hub.url}/events`, { transport, topics: ["orders/1", "news"], token: () => tokenFor(["orders/*"]) });
    await assert.rejects(next(), ({ status, problem }) => status === 403 && problem.uncovered.join() === "news", transport);
  }
});

test("an alias is read like the topic for which it stands", async (t) => {
  const hub = await hubOf(t, "--memory", "--aliases", "/stream=greetings", "--retry", "100ms");
  const proxy = await proxyOf(t, hub, { prefix: "/push" });
  await hub.publish("greetings", "one");

  for (const transport of ["sse", "long-poll", "poll"]) {
    const { next } = heard(t, `${proxy.url}/stream?last=1`, { transport });
    assert.equal(await next(), "one", transport);
  }
});
