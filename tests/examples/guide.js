// The code of a guide, by the title in its first line: `# title` in a shell, `// title` in JavaScript, `<!-- title -->` in HTML.
//
// What is replaced is only what cannot be the same in a test, such as an address. What is not found fails the test.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

const TITLE = /^(?:# |\/\/ |<!-- )(.*?)(?: -->)?$/;

/** The code with this title. `replacements` are pairs of texts. */
export function code(guide, title, replacements = []) {
  const text = readFileSync(new URL(`../../docs/guides/${guide}`, import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/^```\w+\n(.*)\n([\s\S]*?)^```$/gm)];
  const found = blocks.find(([, line]) => TITLE.exec(line)?.[1] === title);
  assert.ok(found, `${guide} has no code "${title}"`);
  return replacements.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), `"${title}" has no ${from}`);
    return text.replaceAll(from, to);
  }, found[2]);
}

/** Runs code of a guide in a shell, which fails with the first command that does. Returns what it printed. */
export async function runShell(text, env = {}) {
  const child = spawn('bash', ['-euc', text], { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (output[name] += text));
  const [status] = await once(child, 'close');
  assert.equal(status, 0, output.stdout + output.stderr);
  return output.stdout;
}
