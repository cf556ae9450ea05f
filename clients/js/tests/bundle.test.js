import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

test("the version is that of the package", async () => {
  const { version } = await import("../dist/index.js");
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

  assert.equal(version, manifest.version);
});

test("each file of the bundle has the entry's name or a hash in its name", () => {
  for (const name of readdirSync(new URL("../hub", import.meta.url))) assert.match(name, /^tidings(-[A-Z0-9]{8})?\.js$/);
});
