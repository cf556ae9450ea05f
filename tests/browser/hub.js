// The hub under test: the real binary, on a port of its own choosing, in a directory that goes away with the test.
//
// It is ready when it says where it listens. Nothing here knows how it works inside.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, readdir, readlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { within } from './deadline.js';

export const BINARY = process.env.TIDINGS_BIN ?? fileURLToPath(new URL('../../target/debug/tidings', import.meta.url));
// The character after it shows that the port is whole.
const ADDRESS = /(https?):\/\/(127\.0\.0\.1:\d+)(?=\D)/;

/** Starts a hub that ends with the scene. A `directory` of an earlier hub brings its events back. */
export async function startHub(scene, ...flags) {
  const directory = await mkdtemp(join(tmpdir(), 'tidings-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  process.once('exit', remove);
  scene.after(() => process.off('exit', remove) && remove());
  return restartHub(scene, directory, ...flags);
}

/** Starts a hub in the directory of an earlier one that has ended. */
export async function restartHub(scene, directory, ...flags) {
  assert.ok(existsSync(BINARY), `no binary at ${BINARY}: run \`cargo build -p tidings\`, or set TIDINGS_BIN`);
  const hub = new Hub(directory, flags);
  scene.after(() => hub.stop());
  await hub.ready();
  return hub;
}

class Hub {
  /** All that it printed. */
  said = '';
  #child;
  #ended;

  constructor(directory, flags) {
    Object.assign(this, { directory, flags });
    const store = flags.includes('--memory') ? [] : ['--data', join(directory, 'data')];
    const listen = flags.includes('--listen') ? [] : ['--listen', '127.0.0.1:0'];
    this.#child = spawn(BINARY, ['serve', ...listen, ...store, ...flags], {
      cwd: directory,
      env: { PATH: process.env.PATH, HOME: directory },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const orphan = () => this.#child.kill('SIGKILL');
    process.prependOnceListener('exit', orphan);
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve({ error }));
      this.#child.once('close', (code, signal) => resolve({ code, signal }));
    }).finally(() => process.off('exit', orphan));
  }

  /** Waits until it has said where it listens. */
  async ready() {
    const told = new Promise((resolve) => {
      for (const stream of [this.#child.stdout, this.#child.stderr]) {
        stream.setEncoding('utf8').on('data', (text) => {
          this.said += text;
          const address = ADDRESS.exec(this.said);
          if (address) resolve(address.slice(1));
        });
      }
    });
    const where = await within('the hub says where it listens', Promise.race([told, this.#ended]));
    assert.ok(Array.isArray(where), `the hub ended before it was ready: ${this.said}`);
    const [scheme, address] = where;
    this.url = `${scheme}://${address}`;
    this.port = Number(address.split(':')[1]);
  }

  /** Publishes and returns the event's id. An event is acknowledged when this returns. */
  async publish(topic, data, { event, id, retry } = {}) {
    const answer = await this.post(topic, data, { event, id, retry });
    assert.equal(answer.status, 201, await answer.clone().text());
    return (await answer.json()).id;
  }

  /** Posts whatever is asked and returns the answer as it is. */
  post(topic, data, fields = {}, headers = { 'Content-Type': 'text/plain' }) {
    const url = new URL(`/events/${topic}`, this.url);
    for (const [name, value] of Object.entries(fields)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return fetch(url, { method: 'POST', body: data, headers, duplex: 'half' });
  }

  /** Open sockets of the process, its own listener among them. */
  async sockets() {
    const descriptors = `/proc/${this.#child.pid}/fd`;
    const names = await readdir(descriptors);
    const targets = await Promise.all(names.map((name) => readlink(join(descriptors, name)).catch(() => '')));
    return targets.filter((target) => target.startsWith('socket:')).length;
  }

  /** Ends it as a crash does. */
  async kill() {
    this.#child.kill('SIGKILL');
    await within('the killed hub is gone', this.#ended);
  }

  /** Ends it as an operator does. */
  async stop() {
    this.#child.kill('SIGTERM');
    try {
      return await within('the hub has drained and ended', this.#ended);
    } catch (late) {
      await this.kill();
      throw late;
    }
  }
}
