// The bundle that is committed, and what a page loads of it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { built, bundle, core, coreGzipBytesMax, entry, gzipBytes, hub, inboxEntry, sizes } from "../build.js";

const files = await bundle();

test("the committed bundle is that of the sources", () => {
  const hint = "run `npm run build` in clients/js, and commit clients/js/hub";

  assert.deepEqual(built(hub), [...files.keys()].sort(), hint);
  for (const [name, { bytes }] of files) assert.ok(bytes.equals(readFileSync(join(hub, name))), `${name} differs: ${hint}`);
});

test("the core is small", (t) => {
  for (const line of sizes(files)) t.diagnostic(line);

  assert.ok(gzipBytes(files, core(files)) <= coreGzipBytesMax, sizes(files)[0]);
});

// The hub serves these names and no others, all in one folder.
test("each file has the entry's name or a hash in its name, and names its neighbours", () => {
  for (const [name, { bytes }] of files) {
    assert.match(name, /^tidings(-[A-Z0-9]{8}|-inbox)?\.js$/);
    for (const [, specifier] of bytes.toString().matchAll(/(?:\bfrom|\bimport\(?)"([^"]*)"/g)) {
      assert.ok(specifier.startsWith("./") && files.has(specifier.slice(2)), `${name} imports ${specifier}`);
    }
  }
});

// A page that has both entries has the core once, and one class `Failure`. It uses what pages use, so that the entries of two versions get along.
test("the entry of the inbox takes of the core what pages can take", async () => {
  const text = files.get(inboxEntry).bytes.toString();
  const imports = [...text.matchAll(/import\s*{([^}]*)}\s*from\s*"([^"]*)"/g)];
  const names = imports.flatMap(([, names]) => names.split(",").map((name) => name.trim().split(/\s/)[0]));

  assert.deepEqual([...new Set(imports.map(([, , from]) => from))], [`./${entry}`]);
  assert.deepEqual([...new Set(names)].sort(), ["Failure", "subscribe"]);
  const [bundled, built] = [await import(join(hub, inboxEntry)), await import("../dist/inbox/hub.js")];
  assert.deepEqual(Object.keys(bundled).sort(), Object.keys(built).sort());
  const closed = { signal: AbortSignal.abort() };
  const seen = ({ inbox }) => namesOf(inbox("https://hub.example/inbox/alice", closed));
  assert.deepEqual(seen(bundled), seen(built));
});

test("two builds are the same", async () => {
  const again = await bundle();

  for (const [name, { bytes }] of files) assert.ok(again.get(name)?.bytes.equals(bytes), name);
});

test("the bundle exports what the package exports", async () => {
  const [bundled, built] = [await import(join(hub, "tidings.js")), await import("../dist/index.js")];

  assert.deepEqual(Object.keys(bundled).sort(), Object.keys(built).sort());
  assert.equal(bundled.version, built.version);
});

// Tabs of two builds talk to each other: a name that another build shortens otherwise would be no message.
test("what tabs say to each other is not shortened", () => {
  const text = [...files.values()].map(({ bytes }) => bytes.toString()).find((text) => text.includes("BroadcastChannel"));
  const members = "from word wishes term turn items kind place state retryInMs transport origin cursor event failure afterMs isHidden tabs opening message status problem retryAfterMs";

  for (const name of members.split(" ")) assert.match(text, new RegExp(`[{,.]${name}\\b`), name);
});

// What is shortened by mistake would be missing for pages alone: programs that install the package have the whole name.
test("what a page sees of the client has the same names in the bundle", async () => {
  const [bundled, built] = [await import(join(hub, "tidings.js")), await import("../dist/index.js")];
  const closed = { signal: AbortSignal.abort() };
  const seen = ({ EventSource, Failure, TidingsEvent, subscribe, history }) => [
    new Failure("no", 503),
    new TidingsEvent({ type: "a", data: "1", id: "1", topic: "a", time: "" }, "https://hub.example"),
    new EventSource("https://hub.example/events/a", closed),
    subscribe("https://hub.example/events/a", closed),
    history("https://hub.example/events/a"),
  ].map(namesOf);

  assert.deepEqual(seen(bundled), seen(built));
});

/** All names of an object and of what it inherits, up to what is of the platform. */
function namesOf(object) {
  const names = Object.getOwnPropertyNames(object);
  const parent = Object.getPrototypeOf(object);
  if (!parent || /native code/.test(parent.constructor)) return names.sort();
  return [...names, ...namesOf(parent)].sort();
}
