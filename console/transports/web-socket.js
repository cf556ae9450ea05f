// A WebSocket: documents of JSON in both directions.

import { problemIn } from '../problem.js';
import { tell } from './documents.js';

/** From here on a close code says: do not come back. */
const FOR_GOOD = 4100;

const asSocket = (address) => address.replace(/^http/, 'ws');

export const WEB_SOCKET = {
  key: 'web-socket',
  parameters: [],
  shows_key: false,
  open: ({ url, hear }) => new Socket(asSocket(url), hear),
  code: (address, topic) => `const url = new URL('${asSocket(address)}');
let socket;
const say = (what) => socket.send(JSON.stringify(what));
function connect() {
  socket = new WebSocket(url, 'tidings.v1');
  socket.onopen = () => say({ subscribe: ['news/*'], ref: 1 });
  socket.onmessage = ({ data }) => {
    const said = JSON.parse(data);
    const place = said.id ?? said.cursor;
    if (place) url.searchParams.set('last_event_id', place);
    if (said.id) console.log(said.topic, said.data);
    if (said.error) console.warn(said.error.detail);
  };
  socket.onclose = ({ code }) => {
    if (code < ${FOR_GOOD}) setTimeout(connect, 2000);
  };
}
connect();
// For when the socket is open.
function publish(data) {
  say({ publish: { topic: '${topic}', data }, ref: 2 });
}`,
};

class Socket {
  #socket;
  #hear;
  #retry_ms = undefined;
  #problem = undefined;
  /** What is done with the answer of each message, by its `ref`. */
  #asked = new Map();
  #ref = 0;

  constructor(url, hear) {
    this.#hear = hear;
    this.#socket = new WebSocket(url, 'tidings.v1');
    this.#socket.onopen = () => hear.live();
    this.#socket.onmessage = ({ data }) => this.#read(JSON.parse(data));
    this.#socket.onclose = ({ code }) => {
      for (const answered of this.#asked.values()) answered({ error: {} });
      hear.end({ retry_ms: this.#retry_ms, problem: this.#problem, for_good: code >= FOR_GOOD });
    };
  }

  /**
   * Says something, and waits for its answer.
   *
   * @returns {Promise<Record<string, any>>}
   */
  say(what) {
    if (this.#socket.readyState !== WebSocket.OPEN) return Promise.resolve({ error: {} });
    const ref = ++this.#ref;
    this.#socket.send(JSON.stringify({ ...what, ref }));
    return new Promise((resolve) => this.#asked.set(ref, resolve));
  }

  close() {
    this.#socket.close();
  }

  #read(said) {
    const answered = this.#asked.get(said.ref);
    if (answered) {
      this.#asked.delete(said.ref);
      answered(said);
    } else if (said.error) {
      // The close follows.
      this.#problem = problemIn(said.error);
    } else {
      const { retry_ms, ...rest } = said;
      this.#retry_ms = retry_ms;
      tell(rest, this.#hear);
    }
  }
}
