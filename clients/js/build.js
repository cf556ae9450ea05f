// Builds the package. `tsc` makes `dist/`, a module a file with its types: what npm publishes and what the tests import.
// `esbuild` makes `hub/`, the bundle that the hub serves as `/tidings.js`: it is committed, so that the hub
// builds without Node.
//
//   node build.js     makes both

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const root = import.meta.dirname ?? fileURLToPath(new URL(".", import.meta.url));
const hub = join(root, "hub");

// The newest versions of November 2021, so that no browser of the last five years gets syntax that it cannot read.
const target = ["chrome96", "edge96", "firefox94", "safari15"];

export function dist() {
  rmSync(join(root, "dist"), { recursive: true, force: true });
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "--project", root], { stdio: "inherit" });
}

// The files of the bundle by name. What `src/index.ts` imports by `import()` becomes a chunk that is loaded when it is needed.
// The name of a chunk is the hash of what is in it.
export async function bundle() {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { tidings: "src/index.ts" },
    outdir: hub,
    entryNames: "[name]",
    chunkNames: "tidings-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    target,
    minify: true,
    // Names that end in `_` are of no use outside. `#names` are shortened in any case.
    mangleProps: /[^_]_$/,
    charset: "utf8",
    legalComments: "none",
    metafile: true,
    write: false,
  });
  const files = new Map(outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)]));
  return { files, metafile };
}

// Writes the bundle and removes what an earlier one left.
export function write(files) {
  mkdirSync(hub, { recursive: true });
  for (const name of readdirSync(hub)) if (!files.has(name)) rmSync(join(hub, name));
  for (const [name, bytes] of files) writeFileSync(join(hub, name), bytes);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  dist();
  write((await bundle()).files);
}
