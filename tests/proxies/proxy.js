// A proxy in front of the hub: nginx, HAProxy or Caddy, started with a configuration in a folder of its own.
//
// It listens on loopback and ends with the scene. A proxy that is not installed fails the test.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { until } from '../browser/deadline.js';

/** How each proxy is started on the file of its configuration, and the Debian package it is of. */
const PROXIES = {
  nginx: { binary: '/usr/sbin/nginx', package: 'nginx-core', args: (folder, file) => ['-p', folder, '-c', file, '-e', join(folder, 'error.log')] },
  haproxy: { binary: '/usr/sbin/haproxy', package: 'haproxy', args: (_, file) => ['-db', '-f', file] },
  caddy: { binary: '/usr/bin/caddy', package: 'caddy', args: (_, file) => ['run', '--adapter', 'caddyfile', '--config', file] },
};

/** Ports that the system gives to nobody by itself: a hub or a client that asks for any free one does not get one of these. */
const PORTS = [20_000, 32_000];
const given = new Set();

/** A port that was free a moment ago: none of these proxies can choose one and tell. It is given to one scene alone. */
export async function freePort() {
  for (;;) {
    const port = randomInt(...PORTS);
    if (given.has(port)) continue;
    given.add(port);
    const server = net.createServer().listen(port, '127.0.0.1');
    const isFree = await Promise.race([once(server, 'listening'), once(server, 'error').then(() => false)]).catch(() => false);
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** A folder that goes away with the scene. */
export async function temporaryFolder(scene) {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-proxy-'));
  scene.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts the proxy `name` with the whole text of its configuration, and waits until `port` accepts. */
export async function startProxy(scene, name, port, configuration) {
  const { binary, args, package: debian } = PROXIES[name];
  assert.ok(existsSync(binary), `no ${name} at ${binary}: install Debian's package ${debian}`);
  const folder = await temporaryFolder(scene);
  const file = join(folder, 'configuration');
  await writeFile(file, configuration);
  const environment = { PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = spawn(binary, args(folder, file), { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  const orphan = () => child.kill('SIGKILL');
  process.prependOnceListener('exit', orphan);
  scene.after(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
    process.off('exit', orphan);
  });
  await until(`${name} accepts`, async () => {
    assert.equal(child.exitCode, null, `${name} ended: ${said}`);
    return accepts(port);
  });
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const settle = (answer) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', settle(true));
    socket.once('error', settle(false));
  });
}

/** What stands around a `server` of nginx so that it runs by itself, in its folder, as the user who starts it. */
export function nginxWith(http) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    daemon off; master_process off; pid pid; error_log error.log;
    events { worker_connections 200; }
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${name};`).join(' ')}
      ${http}
    }`;
}
