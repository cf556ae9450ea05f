// A run of one client program: what it was handed, what it told, and whether it has ended.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

// Each run ends with this process, whatever happens to it.
process.setMaxListeners(500);

/** Starts a client of the roster at a URL; it ends with the scene. Options: `listen`, a list of types, and `parse`. */
export function startClient(scene, client, url, { listen = [], parse = false } = {}) {
  const options = [...listen.flatMap((type) => ['--listen', type]), ...(parse ? ['--parse'] : [])];
  const run = new Run(client, [url, ...options]);
  scene.after(() => run.stop());
  return run;
}

class Run {
  /** Everything that it was handed, in order: `{ event, data, id }`. */
  handed = [];
  /** Errors that it told, in order. */
  errors = [];
  ended = false;
  /** Its stderr, and what is no line of the contract. */
  talk = '';
  #child;
  #closed;

  constructor(client, options) {
    this.client = client;
    const { command, args, env } = client.program;
    this.#child = spawn(command, [...args, ...options], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A shell and its children are ended together.
      detached: true,
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(line));
    this.#child.stderr.setEncoding('utf8').on('data', (text) => (this.talk += text));
    const orphan = () => this.#kill();
    process.prependOnceListener('exit', orphan);
    this.#closed = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(this.errors.push(error.message)));
      this.#child.once('close', resolve);
    }).finally(() => {
      this.ended = true;
      process.off('exit', orphan);
    });
  }

  /** Whether it was handed this data. */
  has(data) {
    return this.handed.some((thing) => thing.data === data);
  }

  async stop() {
    this.#kill();
    await this.#closed;
  }

  #take(line) {
    let said;
    try {
      said = JSON.parse(line);
    } catch {
      this.talk += `${line}\n`;
      return;
    }
    if ('event' in said) this.handed.push(said);
    if (said.error) this.errors.push(said.error);
    if (said.ended) this.ended = true;
  }

  #kill() {
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
}
