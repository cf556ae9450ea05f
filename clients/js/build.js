// Builds the package. `tsc` makes `dist/`, a module a file with its types: what npm publishes and what the tests import.
// `esbuild` makes `hub/`, the bundle that the hub serves as `/tidings.js`, and `terser` takes three bytes of a hundred more out of it. It is committed,
// so that the hub builds without Node.
//
// The inbox is an entry of its own, `/tidings-inbox.js`: one file that imports the core by its name that never changes, so that a page with both loads
// the core once, and a page without an inbox loads nothing more.
//
//   node build.js          makes both, and prints the sizes of the bundle
//   node build.js dist     makes `dist/` alone

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";
import { minify } from "terser";

const root = fileURLToPath(new URL(".", import.meta.url));
const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

export const hub = join(root, "hub");

// The entry of the bundle, by the name that never changes.
export const entry = "tidings.js";

// The entry of the inbox and of its element.
export const inboxEntry = "tidings-inbox.js";

// What the core may weigh: the bytes that travel when a page imports the entry. That is less than one image of most pages, and about what a
// server sends in the first round trip of a connection.
export const coreGzipBytesMax = 4_999;

// The newest versions of November 2021, so that no browser of the last five years gets syntax that it cannot read.
const target = ["chrome96", "edge96", "firefox94", "safari15"];

// Names of properties that no page sees, that the client reads from nothing of the browser, and that are in no text which leaves the page:
// they are shortened in the bundle, which is 2 % of it. `#names` are shortened in any case.
const internal =
  /^(absolute|alone|ask|asked|bytes|carry|carryByFetch|check|comment|delayOf|ended|failureOf|feedOf|fresh|hasNext|heard|heartbeat|heartbeatMs|isFirst|isLadderNeeded|isRenewable|isSilent|isStandard|lastedMs|listener|loadLadder|memoryOf|planOf|restart|room|show|sleep|sourceOf|stepsDown|transports|until|wake|wasHeard|wasRefused|watchPage|works)$/;

export function dist() {
  rmSync(join(root, "dist"), { recursive: true, force: true });
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "--project", root], { stdio: "inherit" });
  // They go into the package, and are kept at the root of the repository.
  for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) copyFileSync(join(root, "../..", name), join(root, name));
}

const settings = {
  absWorkingDir: root,
  outdir: "hub",
  entryNames: "[name]",
  bundle: true,
  format: "esm",
  target,
  minify: true,
  charset: "utf8",
  legalComments: "none",
  // It counts for the hashes: another terser may write other bytes, which need other names. It takes this line away.
  footer: { js: `// terser ${devDependencies.terser}` },
  metafile: true,
  write: false,
};

// Modules of the core that the inbox uses by what the core exports. They are the same for a page that imports both entries, such as the class `Failure`.
const ofTheCore = {
  name: "core",
  setup: ({ onResolve }) => onResolve({ filter: /\/(failure|subscribe)\.js$/ }, () => ({ path: `./${entry}`, external: true })),
};

// The files of the bundle by name. What `src/` imports by `import()` becomes a chunk that is loaded when it is needed. The name of
// a chunk is the hash of what is in it.
export async function bundle() {
  const built = await Promise.all([
    build({ ...settings, entryPoints: { tidings: "src/index.ts" }, chunkNames: "tidings-[hash]", splitting: true, mangleProps: internal }),
    // Nothing is shortened here: it uses the core as pages do, by names that stay.
    build({ ...settings, entryPoints: { "tidings-inbox": "src/inbox/hub.ts" }, plugins: [ofTheCore] }),
  ]);
  const files = new Map();
  const outputs = built.flatMap(({ outputFiles, metafile }) => outputFiles.map((file) => [file, metafile]));
  for (const [{ path, text }, metafile] of outputs) {
    const { imports, inputs } = metafile.outputs[relative(root, path)];
    const { code } = await minify(text, { module: true, ecma: 2020, compress: { passes: 3 } });
    const loads = imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => basename(path));
    files.set(basename(path), { bytes: Buffer.from(code), loads, inputs: Object.keys(inputs).map((input) => basename(input)) });
  }
  return files;
}

// What a browser loads before the entry runs: the entry, and what it imports by statements, and what those import.
export function core(files) {
  const names = new Set([entry]);
  for (const name of names) for (const load of files.get(name).loads) names.add(load);
  return [...names];
}

// Each file is compressed by itself, as it travels.
export function gzipBytes(files, names) {
  return names.reduce((sum, name) => sum + gzipSync(files.get(name).bytes, { level: 9 }).length, 0);
}

// One line a file, the core first.
export function sizes(files) {
  const names = core(files);
  const line = (name) => {
    const { bytes, inputs } = files.get(name);
    return `${name}: ${bytes.length} bytes, ${gzipBytes(files, [name])} as gzip, from ${inputs.length} modules`;
  };
  const later = [...files.keys()].filter((name) => !names.includes(name) && name !== inboxEntry);
  return [
    `core: ${gzipBytes(files, names)} bytes as gzip of at most ${coreGzipBytesMax}, in ${names.length} file${names.length === 1 ? "" : "s"}`,
    ...names.map((name) => `  ${line(name)}`),
    `inbox: ${line(inboxEntry)}, beside the core`,
    ...later.map((name) => `later: ${line(name)}: ${files.get(name).inputs.join(", ")}`),
  ];
}

// The files of a bundle in a folder, without those of former versions below it.
export function built(folder) {
  return readdirSync(folder).filter((name) => name.endsWith(".js")).sort();
}

// Writes the bundle and removes what an earlier one left.
function write(files) {
  mkdirSync(hub, { recursive: true });
  for (const name of built(hub)) if (!files.has(name)) rmSync(join(hub, name));
  for (const [name, { bytes }] of files) writeFileSync(join(hub, name), bytes);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  dist();
  if (process.argv[2] !== "dist") {
    const files = await bundle();
    write(files);
    console.log(sizes(files).join("\n"));
  }
}
