// All of `client_scenarios.json`, over real sockets: what an EventSource must do, and what a client that is told more may do.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { EventSource } from "../dist/index.js";
import { freePort, scriptedServer } from "./support/scripted-server.js";

const file = new URL("../../../crates/client/tests/vectors/client_scenarios.json", import.meta.url);
// Those about silence need a clock of their own: `silent-scenarios.test.js`.
const scenarios = JSON.parse(readFileSync(file, "utf8")).scenarios.filter(({ options }) => !options?.readTimeoutMs);

const STATES = ["CONNECTING", "OPEN", "CLOSED"];
/** Long enough for a machine that has much else to do. */
const PATIENCE_MS = 30_000;

const plays = scenarios.map((scenario) => [scenario.name, () => play(scenario)]);
// What comes back after a refusal differs from the standard there alone.
const others = scenarios.filter(({ name, profile }) => profile === "whatwg" && !name.startsWith("status-5"));
plays.push(...others.map((scenario) => [`${scenario.name}, with retryRefused`, () => play(scenario, { retryRefused: true })]));

test("scenarios", { concurrency: plays.length }, async (t) => {
  await Promise.all(plays.map(([name, run]) => t.test(name, run)));
});

async function play(scenario, more = {}) {
  const { connections, expect, options = {} } = scenario;
  const answered = connections.filter(({ refuse }) => !refuse);
  const other = await scriptedServer(() => [answered.at(-1).respond]);
  const refused = connections[0].refuse ? await freePort() : 0;
  const repeats = connections.some(({ repeat }) => repeat);
  const start = () => scriptedServer((own) => scriptOf(answered, own, other.origin), { port: refused, repeats });
  let server = refused ? undefined : await start();
  const seen = { opens: 0, events: [], errors: [] };
  const source = new EventSource(`${server?.origin ?? `http://127.0.0.1:${refused}`}/source`, { ...optionsOf(options), ...more });
  const closeIfAsked = () => {
    const asked = ({ clientClosesAfterError: errors, clientClosesAfterEvent: events }) =>
      errors === seen.errors.length || events === seen.events.length;
    if (connections.some(asked)) source.close();
  };
  source.onopen = () => (seen.opens += 1);
  source.onmessage = ({ type, data, lastEventId }) => {
    seen.events.push({ type, data, lastEventId });
    closeIfAsked();
  };
  for (const { type } of (expect.events ?? []).filter(({ type }) => type !== "message")) source.addEventListener(type, source.onmessage);
  source.onerror = async () => {
    seen.errors.push(STATES[source.readyState]);
    closeIfAsked();
    if (!server) server = await start();
  };
  const requests = () => [...(server?.requests ?? []), ...other.requests];
  try {
    await (expect.withinMs ? sleep(expect.withinMs) : until(() => isComplete(scenario, answered, seen, source, requests())));
    await sleep(expect.quietMs ?? 0);
    check(expect, answered, seen, source, requests());
  } finally {
    source.close();
    await server?.close();
    await other.close();
  }
}

function scriptOf(answered, own, other) {
  const placed = (value) => value.replace("{base}", own).replace("{self}", `${own}/source`).replace("{otherOrigin}", other);
  return answered.map(({ respond, commentEveryMs }) => {
    const headers = Object.entries(respond.headers).map(([name, value]) => [name, placed(value)]);
    return { ...respond, headers: Object.fromEntries(headers), commentEveryMs };
  });
}

function optionsOf({ headers, method, body, initialDelayMs }) {
  return { headers, method, body, retryMs: initialDelayMs };
}

function isComplete({ expect }, answered, seen, source, requests) {
  if (expect.finalState === "CLOSED") return source.readyState === EventSource.CLOSED;
  const least = answered.some(({ repeat }) => repeat) ? 1 : answered.length;
  return (
    seen.opens >= (expect.opens ?? 0) &&
    seen.events.length >= (expect.events?.length ?? 0) &&
    seen.errors.length >= (expect.errors?.length ?? (expect.errorWithinMs ? 1 : 0)) &&
    requests.length >= (expect.requests ?? least)
  );
}

function check(expect, answered, seen, source, requests) {
  for (const name of ["opens", "events", "errors"]) if (expect[name] !== undefined) assert.deepEqual(seen[name], expect[name], name);
  if (expect.requests !== undefined) assert.equal(requests.length, expect.requests, "requests");
  if (expect.maxRequests !== undefined) assert.ok(requests.length <= expect.maxRequests, `${requests.length} requests`);
  if (expect.finalState !== undefined) assert.equal(STATES[source.readyState], expect.finalState);
  for (const [index, { expectRequest = {} }] of answered.entries()) {
    const { path, method, body, headers = {}, absentHeaders = [] } = expectRequest;
    const request = requests[index];
    for (const [name, value] of Object.entries({ path, method, body })) if (value !== undefined) assert.equal(request[name], value);
    for (const [name, value] of Object.entries(headers)) assert.equal(request.headers[name.toLowerCase()], value ?? undefined);
    for (const name of absentHeaders) assert.equal(request.headers[name.toLowerCase()], undefined, name);
  }
  for (const { headers } of requests) assert.deepEqual([headers.accept, headers["cache-control"]], ["text/event-stream", "no-cache"]);
}

async function until(holds) {
  for (const end = Date.now() + PATIENCE_MS; !holds(); await sleep(5)) assert.ok(Date.now() < end, "waited for too long");
}
