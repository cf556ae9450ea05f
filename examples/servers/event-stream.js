// The format of an event stream, and the clients of one. No framework is needed for it.

/** The headers of a stream. */
export const HEADERS = {
  'Content-Type': 'text/event-stream',
  // No cache may keep it, and nothing on the way may change it.
  'Cache-Control': 'no-cache, no-transform',
  // nginx passes it on at once.
  'X-Accel-Buffering': 'no',
  // At the same URL there is a page, for browsers that ask for HTML.
  Vary: 'Accept',
};

// What may wait for one slow client. A tick has about 100 bytes, so this is several minutes of them.
const UNREAD_BYTES_MAX = 65_536;

/** An event as text: `encode({ type: 'greeting', data: 'hello' })`. */
export function encode({ retry, type, data }) {
  const lines = [];
  if (retry !== undefined) lines.push(`retry: ${retry}`);
  if (type !== undefined) lines.push(`event: ${oneLine(type)}`);
  // Each line of the data needs a `data:` of its own. The standard knows three line ends, and a client reads all three:
  // without the CR here, data with "\revent: forged" in it would be another event.
  if (data !== undefined) lines.push(...data.split(/\r\n|\r|\n/).map((line) => `data: ${line}`));
  // The blank line is the end of the event. A client holds back what has none.
  return `${lines.join('\n')}\n\n`;
}

function oneLine(text) {
  if (/[\r\n]/.test(text)) throw new TypeError('the type of an event is one line');
  return text;
}

/** All who receive one stream. */
export class Audience {
  #clients = new Set();

  /** How many there are. */
  get size() {
    return this.#clients.size;
  }

  /** Adds a client: the response to its request, or another stream that leads there. The events in `first` are for it alone. */
  join(client, ...first) {
    // A page that was closed, a cut, an end of ours: all of them are a "close". What a client had here is its place in the set.
    client.once('close', () => this.#clients.delete(client));
    // A write to a client that has just left. The "close" comes next.
    client.on('error', () => {});
    this.#clients.add(client);
    for (const event of first) client.write(encode(event));
  }

  /** Sends an event to all. */
  tell(event) {
    this.#write(encode(event));
  }

  /** Sends a comment, which no page hears. It keeps proxies from cutting a stream where nothing has happened for a minute. */
  heartbeat() {
    this.#write(': heartbeat\n\n');
  }

  /** Ends all streams. The browsers come back by themselves, after `retry`. */
  end() {
    for (const client of this.#clients) client.end();
  }

  #write(text) {
    for (const client of this.#clients) {
      client.write(text);
      // What a client does not read waits in our memory. One that is too slow is cut off; it comes back and hears what is new then.
      if (client.writableLength > UNREAD_BYTES_MAX) client.destroy();
    }
  }
}
