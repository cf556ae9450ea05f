// A network between browser and hub that a test holds in its hand: cut it, heal it, slow it, let it forget idle connections.
//
// It relays bytes and remembers the request heads that went up and when; it knows no more of HTTP than where a head
// ends (and, for `http10`, its first line), and where a body ends that has a `Content-Length`.

import { once } from 'node:events';
import net from 'node:net';

import { within } from './deadline.js';

const HEAD_END = '\r\n\r\n';

/**
 * Relays to `port` on loopback until the scene ends.
 * `idle_ms`: closes a connection after that much silence. `delay_ms`: holds every piece back by that much.
 * `http10`: asks the hub in HTTP/1.0, as an old reverse proxy does.
 */
export async function startRelay(scene, port, options = {}) {
  const relay = new Relay(port, options);
  scene.after(() => relay.stop());
  await relay.listen();
  return relay;
}

class Relay {
  /** Request heads in the order in which they went up: `{ head, at_ms, crossing }`. */
  requests = [];
  /** Connections in the order in which they came. */
  crossings = [];
  #server = net.createServer((client) => this.#accept(client));
  #port;
  #options;
  #cut = false;
  #tripwire = null;

  constructor(port, options) {
    this.#port = port;
    this.#options = options;
  }

  async listen() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** Connections from now on go to another port. */
  to(port) {
    this.#port = port;
  }

  /** Ends all connections on both sides; new ones are welcome. */
  drop() {
    for (const crossing of this.crossings) crossing.end();
  }

  /**
   * Cuts the wire. The browser's side is reset and new connections with it. The hub is not told: what it sends
   * into the dead connections is lost, as it is in the buffers of a real network.
   */
  cut() {
    this.#cut = true;
    for (const crossing of this.crossings) crossing.lose();
  }

  /** The wire is whole again; the hub finds the old connections dead. */
  heal() {
    this.#cut = false;
    this.drop();
  }

  /** Cuts the wire right after `text` has gone down, were it in the middle of a line. */
  async cutAfter(text) {
    await within(`"${text}" went down`, new Promise((done) => (this.#tripwire = { text, done })));
  }

  async stop() {
    this.#server.close();
    this.drop();
    await once(this.#server, 'close');
  }

  #accept(client) {
    if (this.#cut) {
      client.on('error', () => {}).resetAndDestroy();
      return;
    }
    const crossing = new Crossing(client, net.connect(this.#port, '127.0.0.1'), this.#options);
    crossing.onhead = (head) => {
      // A browser asks whether it may ask; that is no request of the page.
      if (!head.startsWith('OPTIONS ')) this.requests.push({ head, at_ms: performance.now(), crossing });
    };
    crossing.ondown = (piece) => this.#trip(piece);
    this.crossings.push(crossing);
  }

  /** What of this piece still goes down. */
  #trip(piece) {
    const at = this.#tripwire === null ? -1 : piece.indexOf(this.#tripwire.text);
    if (at === -1) return piece;
    const { text, done } = this.#tripwire;
    this.#tripwire = null;
    // After this piece has been written: then the cut cannot take it back.
    setImmediate(() => {
      this.cut();
      done();
    });
    return piece.subarray(0, at + Buffer.byteLength(text));
  }
}

class Crossing {
  /** What came down from the hub so far, as text. */
  down = '';
  onhead;
  ondown;
  #client;
  #hub;
  #options;
  #head = '';
  #body_left = 0;
  #idle;

  constructor(client, hub, options) {
    this.#client = client;
    this.#hub = hub;
    this.#options = options;
    client.on('data', (piece) => this.#later(() => this.#up(piece)));
    hub.on('data', (piece) => this.#later(() => this.#down(piece)));
    for (const side of [client, hub]) {
      side.setNoDelay(true);
      side.on('error', () => {});
      side.on('close', () => this.#later(() => this.end()));
    }
    this.#touch();
  }

  get ended() {
    return this.#client.destroyed;
  }

  end() {
    clearTimeout(this.#idle);
    this.#client.destroy();
    this.#hub.destroy();
  }

  lose() {
    clearTimeout(this.#idle);
    this.#hub.removeAllListeners('data').resume();
    this.#client.removeAllListeners('close').resetAndDestroy();
  }

  #up(piece) {
    this.#touch();
    this.#head += piece.toString('latin1');
    this.#passBody();
    for (let end; (end = this.#head.indexOf(HEAD_END)) !== -1; ) {
      const head = this.#head.slice(0, end);
      this.#head = this.#head.slice(end + HEAD_END.length);
      this.onhead(head);
      this.#hub.write((this.#options.http10 ? inHttp10(head) : head) + HEAD_END, 'latin1');
      this.#body_left = Number(/^content-length: *(\d+)$/im.exec(head)?.[1] ?? 0);
      this.#passBody();
    }
  }

  /** What has come of a body stands where a head would. */
  #passBody() {
    const body = this.#head.slice(0, this.#body_left);
    if (body === '') return;
    this.#head = this.#head.slice(body.length);
    this.#body_left -= body.length;
    this.#hub.write(body, 'latin1');
  }

  #down(piece) {
    this.#touch();
    const passed = this.ondown(piece);
    this.down += passed.toString('utf8');
    this.#client.write(passed);
    if (passed.length < piece.length) this.#hub.removeAllListeners('data').resume();
  }

  #touch() {
    if (this.#options.idle_ms === undefined) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.end(), this.#options.idle_ms);
  }

  #later(act) {
    if (this.#options.delay_ms === undefined) act();
    else setTimeout(act, this.#options.delay_ms);
  }
}

function inHttp10(head) {
  return head.replace(/ HTTP\/1\.1$/m, ' HTTP/1.0').replace(/^Connection: .*$/im, 'Connection: close');
}
