// Makes one script of an example, as a build tool does: React's JSX, components of Vue and of Svelte, and our client from its source.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { compile } from 'svelte/compiler';
import { compileScript, parse } from 'vue/compiler-sfc';

const MODULES = fileURLToPath(new URL('./node_modules', import.meta.url));
const CLIENT = fileURLToPath(new URL('../../clients/js/src/index.ts', import.meta.url));

/** Components become modules. */
const components = {
  name: 'components',
  setup(build) {
    build.onLoad({ filter: /\.vue$/ }, async ({ path }) => {
      const { descriptor } = parse(await readFile(path, 'utf8'), { filename: path });
      return { contents: compileScript(descriptor, { id: path, inlineTemplate: true }).content };
    });
    build.onLoad({ filter: /\.svelte$/ }, async ({ path }) => {
      const { js, warnings } = compile(await readFile(path, 'utf8'), { filename: path });
      return { contents: js.code, warnings: warnings.map(({ message }) => ({ text: message })) };
    });
  },
};

/** The text of the bundle. A warning of a compiler fails the test. */
export async function bundle(entry) {
  const { outputFiles, warnings } = await build({
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'silent',
    nodePaths: [MODULES],
    alias: { tidings: CLIENT },
    plugins: [components],
    jsx: 'automatic',
    jsxDev: false,
    // As in development, where React calls each effect twice.
    define: {
      'process.env.NODE_ENV': '"development"',
      __VUE_OPTIONS_API__: 'true',
      __VUE_PROD_DEVTOOLS__: 'false',
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
    },
  });
  if (warnings.length > 0) throw new Error(warnings.map(({ text }) => text).join('\n'));
  return outputFiles[0].text;
}
