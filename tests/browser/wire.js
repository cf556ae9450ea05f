// A wire: one request on a bare socket, and the exact bytes that come back.

import { once } from 'node:events';
import net from 'node:net';

import { until } from './deadline.js';

/** What a stream without backlog begins with: an interval, a delay of once to twice 3 s, and the place. */
export const OPENING = new RegExp(
  '^: heartbeat 15000\nretry: [3-6][0-9]{3}\nevent: tidings.open\nid: ([0-9a-z]+-[0-9]+)\n' +
    'data: \\{"cursor":"\\1","heartbeat_ms":15000,"time":"[0-9-]+T[0-9:.]+Z","connection":"[0-9a-z]+"\\}\n\n$',
);

const HEAD_END = '\r\n\r\n';

/** Sends `GET path` with the given header lines, and keeps the connection until the scene ends. */
export async function openWire(scene, port, path, { version = '1.1', headers = [] } = {}) {
  const socket = net.connect(port, '127.0.0.1');
  scene.after(() => socket.destroy());
  await once(socket, 'connect');
  const head = [`GET ${path} HTTP/${version}`, `Host: 127.0.0.1:${port}`, ...headers].join('\r\n');
  const wire = new Wire(socket);
  socket.write(head + HEAD_END);
  return wire;
}

class Wire {
  /** The other side has closed. */
  closed = false;
  #socket;
  #bytes = Buffer.alloc(0);

  constructor(socket) {
    this.#socket = socket;
    socket.on('data', (piece) => (this.#bytes = Buffer.concat([this.#bytes, piece])));
    socket.on('error', () => {});
    socket.on('close', () => (this.closed = true));
  }

  /** The status line and the headers, names in lower case, once they are here. */
  async head() {
    await until('the head is here', () => this.#bytes.includes(HEAD_END));
    const [status, ...lines] = this.#headText().split('\r\n');
    const headers = lines.map((line) => line.split(/:\s*/s)).map(([name, ...rest]) => [name.toLowerCase(), rest.join(':')]);
    return { status, headers: Object.fromEntries(headers) };
  }

  /** The body so far, without the framing of chunks. */
  get body() {
    const at = this.#bytes.indexOf(HEAD_END);
    if (at === -1) return '';
    const raw = this.#bytes.subarray(at + HEAD_END.length);
    return (/^transfer-encoding: chunked$/im.test(this.#headText()) ? unchunked(raw) : raw).toString('utf8');
  }

  /** The body, once it holds `text`. */
  async bodyWith(text) {
    await until(`${JSON.stringify(text)} is in the body`, () => this.body.includes(text));
    return this.body;
  }

  leave() {
    this.#socket.destroy();
  }

  #headText() {
    return this.#bytes.subarray(0, this.#bytes.indexOf(HEAD_END)).toString('latin1');
  }
}

function unchunked(raw) {
  const pieces = [];
  for (let at = 0; ; ) {
    const end = raw.indexOf('\r\n', at);
    if (end === -1) break;
    const size = Number.parseInt(raw.toString('latin1', at, end), 16);
    if (size === 0) break;
    pieces.push(raw.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
  return Buffer.concat(pieces);
}
