// A program of the examples that says where it listens, and ends with its scene.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import net from 'node:net';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { within } from '../browser/deadline.js';

/** The folder of the examples. */
export const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));

const ADDRESS = /http:\/\/127\.0\.0\.1:\d+(?=\D)/;

/** A port that was free a moment ago, for a program that others must know before it runs. */
export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Runs a command until the scene ends. It is ready when it has printed an address, its `origin`. */
export async function startProgram(scene, command, args, { cwd = EXAMPLES, env = {} } = {}) {
  const child = spawn(command, args, { cwd, env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const program = new Program(child);
  scene.after(() => program.stop());
  await program.ready();
  return program;
}

class Program {
  /** All that it printed. */
  said = '';
  #child;
  #ended;

  constructor(child) {
    this.#child = child;
    const orphan = () => child.kill('SIGKILL');
    process.once('exit', orphan);
    this.#ended = once(child, 'close').finally(() => process.off('exit', orphan));
  }

  async ready() {
    const told = new Promise((resolve) => {
      for (const stream of [this.#child.stdout, this.#child.stderr]) {
        stream.setEncoding('utf8').on('data', (text) => {
          this.said += text;
          const found = ADDRESS.exec(this.said);
          if (found) resolve(found[0]);
        });
      }
    });
    this.origin = await within('the program says where it listens', Promise.race([told, this.#ended]));
    assert.equal(typeof this.origin, 'string', `the program ended before it was ready: ${this.said}`);
  }

  /** Ends it as an operator does. Returns its exit code. */
  async stop() {
    this.#child.kill('SIGTERM');
    const [code] = await within('the program has ended', this.#ended).catch((late) => {
      this.#child.kill('SIGKILL');
      throw late;
    });
    return code;
  }
}
