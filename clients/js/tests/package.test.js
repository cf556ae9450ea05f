// What npm publishes: the files of the package, and the package in the hands of others.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const folder = mkdtempSync(join(tmpdir(), "tidings-package-"));

const run = (program, args, cwd) => execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
const tsc = (args, cwd) => run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...args], cwd);

let packed;

before(() => {
  // `npm test` has built it, and other tests read it meanwhile.
  [packed] = JSON.parse(run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], root));
  writeFileSync(join(folder, "package.json"), '{"private":true}');
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--silent", join(folder, packed.filename)], folder);
});

after(() => rmSync(folder, { recursive: true }));

test("the version is that of the workspace, of the module and of the lock", async () => {
  const workspace = readFileSync(join(root, "../../Cargo.toml"), "utf8").match(/^\[workspace\.package\]\nversion = "(.*)"$/m)[1];
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));

  assert.equal(manifest.version, workspace);
  assert.equal((await import("tidings")).version, workspace);
  assert.equal(lock.packages[""].version, workspace);
});

test("it depends on nothing", () => {
  for (const kind of ["dependencies", "peerDependencies", "optionalDependencies"]) assert.equal(manifest[kind], undefined, kind);
});

test("the package has each module with its types, and nothing else", () => {
  const modules = readdirSync(join(root, "src"), { recursive: true }).filter((name) => name.endsWith(".ts"));
  const built = modules.flatMap((name) => [`dist/${name.replace(/\.ts$/, ".js")}`, `dist/${name.replace(/\.ts$/, ".d.ts")}`]);

  const expected = ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json", ...built].sort();

  assert.deepEqual(packed.files.map(({ path }) => path).sort(), expected);
});

test("each entry can be imported where the package is installed", () => {
  for (const [entry, target] of Object.entries(manifest.exports)) {
    if (typeof target === "string") continue;
    const name = `tidings${entry.slice(1)}`;
    const names = JSON.parse(run(process.execPath, ["--input-type=module", "--eval", `
      import * as entry from ${JSON.stringify(name)};
      console.log(JSON.stringify(Object.keys(entry)));
    `], folder));
    assert.ok(names.length > 0, name);
  }
});

// A program that is checked strictly, by either way of resolving names, and against declarations of the DOM that it chose.
test("programs in TypeScript find its types", () => {
  const entries = Object.keys(manifest.exports).filter((entry) => typeof manifest.exports[entry] !== "string");
  const lines = entries.map((entry, at) => `import * as entry${at} from "tidings${entry.slice(1)}";\nvoid entry${at};\n`);
  writeFileSync(join(folder, "program.mts"), lines.join(""));
  const strict = ["--strict", "--exactOptionalPropertyTypes", "--noEmit", "--types", "", "--target", "es2022", "--ignoreConfig"];

  for (const [module, resolution] of [["nodenext", "nodenext"], ["esnext", "bundler"]]) {
    tsc([...strict, "--module", module, "--moduleResolution", resolution, "--lib", "es2022,dom,dom.iterable", "program.mts"], folder);
  }
});
