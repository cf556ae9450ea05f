// A run of the binary: the lines that it writes, and how it ends.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { until, within } from '../browser/deadline.js';

export const BINARY = process.env.TIDINGS_BIN ?? fileURLToPath(new URL('../../target/debug/tidings', import.meta.url));

// Each run ends with this process, whatever happens to it.
process.setMaxListeners(100);

/** Starts `tidings` with arguments; it ends with the test. */
export function start(t, ...args) {
  assert.ok(existsSync(BINARY), `no binary at ${BINARY}: run \`cargo build -p tidings\`, or set TIDINGS_BIN`);
  const program = new Program(args);
  t.after(() => program.kill());
  return program;
}

class Program {
  /** Lines so far. */
  stdout = [];
  stderr = [];
  #child;
  #ended;

  constructor(args) {
    this.#child = spawn(BINARY, args, { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const name of ['stdout', 'stderr']) {
      createInterface({ input: this.#child[name] }).on('line', (line) => this[name].push(line));
    }
    const orphan = () => this.#child.kill('SIGKILL');
    process.prependOnceListener('exit', orphan);
    this.#ended = new Promise((resolve) => this.#child.once('close', resolve)).finally(() => process.off('exit', orphan));
  }

  /** Waits until it has printed so many lines, and returns them as JSON. */
  async json(count) {
    await until(`${count} lines are printed`, () => this.stdout.length >= count);
    return this.stdout.map((line) => JSON.parse(line));
  }

  /** Waits until it has said `words`. */
  async said(words) {
    const line = () => this.stderr.find((line) => line.includes(words));
    await until(`it says ${words}`, line);
    return line();
  }

  /** Asks it to end; returns its exit code. */
  async stop() {
    this.#child.kill('SIGTERM');
    return within('it ends', this.#ended);
  }

  /** Waits for its end; returns its exit code. */
  async end() {
    return within('it ends', this.#ended);
  }

  async kill() {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
