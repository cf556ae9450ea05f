// Two servers of event streams that are not ours. Both keep a history and resume by their ids, each in its own way.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createSession } from 'better-sse';

import { until } from '../browser/deadline.js';

const NCHAN = '/usr/lib/nginx/modules/ngx_nchan_module.so';

/** Every origin there is, by name. Each starts with a test and ends with it. */
export const ORIGINS = { 'better-sse': startBetterSse, Nchan: startNchan };

/** A Node server: the package writes the stream, the history is a list as its guide shows it. */
async function startBetterSse(t) {
  const events = [];
  const sessions = new Set();
  const options = { retry: 50, keepAlive: 1000 };
  const server = http.createServer(async (request, response) => {
    const session = await createSession(request, response, options);
    const seen = events.findIndex(({ id }) => id === session.lastId);
    for (const event of events.slice(seen + 1)) push(session, event);
    sessions.add(session);
    session.once('disconnected', () => sessions.delete(session));
  });
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    path: '/stream',
    // The package writes all data as JSON, which is how it keeps line ends out of the stream.
    shown: JSON.stringify,
    async publish(data, type) {
      const event = { id: `b-${events.length + 1}`, data, type };
      events.push(event);
      for (const session of sessions) push(session, event);
    },
  };
}

function push(session, { id, data, type }) {
  session.push(data, type, id);
}

/** nginx with Nchan, in a folder of its own. */
async function startNchan(t) {
  assert.ok(existsSync(NCHAN), 'no Nchan: install nginx-core and libnginx-mod-nchan');
  const folder = await mkdtemp(join(tmpdir(), 'nchan-'));
  const port = await freePort();
  await writeFile(join(folder, 'nginx.conf'), configuration(folder, port));
  const nginx = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')]);
  const orphan = () => nginx.kill('SIGKILL');
  process.prependOnceListener('exit', orphan);
  t.after(async () => {
    nginx.kill('SIGTERM');
    if (nginx.exitCode === null) await once(nginx, 'close');
    process.off('exit', orphan);
    await rm(folder, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}`;
  await until('nginx answers', () => fetch(`${url}/publish`).then((answer) => answer.status > 0, () => false));
  return {
    port,
    path: '/stream',
    shown: (data) => data,
    async publish(data, type) {
      const headers = type === undefined ? {} : { 'X-EventSource-Event': type };
      const answer = await fetch(`${url}/publish`, { method: 'POST', body: data, headers });
      assert.ok(answer.ok, await answer.text());
    },
  };
}

function configuration(folder, port) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    load_module ${NCHAN};
    events { worker_connections 100; }
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
      server {
        listen 127.0.0.1:${port};
        location = /publish { nchan_publisher; nchan_channel_id c; nchan_message_buffer_length 1000; }
        location = /stream {
          nchan_subscriber eventsource; nchan_channel_id c; nchan_subscriber_first_message oldest;
          nchan_message_buffer_length 1000;
        }
      }
    }`;
}

/** nginx cannot choose a port by itself and tell. */
async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
