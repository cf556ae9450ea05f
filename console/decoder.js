// Decodes text/event-stream, as HTML 9.2.6 has it, from bytes in whatever pieces they come.
//
// It knows no network and no page. A browser's own EventSource hides what the console shows: comments (the hub names
// its heartbeat in one) and the fields `topic` and `time`, which the hub adds where it is asked to.

/**
 * @typedef {object} StreamEvent
 * @property {string} type   `message` unless the event has a type of its own.
 * @property {string} data
 * @property {string} id     The last event id when the event was complete.
 * @property {string} topic  Empty where the stream does not say.
 * @property {string} time   When it was published; empty where the stream does not say.
 */

/**
 * @typedef {object} Listener
 * @property {(event: StreamEvent) => void} [event]
 * @property {(id: string) => void} [id]         At every blank line: where the stream is now.
 * @property {(ms: number) => void} [retry]      At once, as the standard says.
 * @property {(text: string) => void} [comment]  All after the colon.
 */

/** Characters that a line, and an event's data, may have. What is longer is cut, so that memory stays bounded. */
export const LENGTH_MAX = 33_554_432;

const LINE_END = /[\r\n]/g;

export class Decoder {
  #listener;
  #length_max;
  #text = new TextDecoder();
  #line = '';
  #after_cr = false;
  #data = '';
  #type = '';
  #topic = '';
  #time = '';
  #id;

  /**
   * @param {Listener} listener
   * @param {{ id?: string, length_max?: number }} [options] `id` is the last event id of the stream before this one.
   */
  constructor(listener, { id = '', length_max = LENGTH_MAX } = {}) {
    this.#listener = listener;
    this.#length_max = length_max;
    this.#id = id;
  }

  /** @param {Uint8Array} bytes */
  push(bytes) {
    let text = this.#text.decode(bytes, { stream: true });
    if (text === '') return;
    if (this.#after_cr && text[0] === '\n') text = text.slice(1);
    this.#after_cr = text === '' ? false : text.endsWith('\r');
    this.#lines(text);
  }

  #lines(text) {
    let start = 0;
    LINE_END.lastIndex = 0;
    for (let end; (end = LINE_END.exec(text)) !== null; ) {
      this.#interpret(this.#bounded(this.#line, text.slice(start, end.index)));
      this.#line = '';
      if (end[0] === '\r' && text[end.index + 1] === '\n') LINE_END.lastIndex += 1;
      start = LINE_END.lastIndex;
    }
    this.#line = this.#bounded(this.#line, text.slice(start));
  }

  #interpret(line) {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return this.#listener.comment?.(line.slice(1));
    if (colon === -1) return this.#field(line, '');
    const space = line[colon + 1] === ' ' ? 1 : 0;
    this.#field(line.slice(0, colon), line.slice(colon + 1 + space));
  }

  #field(name, value) {
    switch (name) {
      case 'data':
        this.#data = this.#bounded(this.#data, `${value}\n`);
        break;
      case 'event':
        this.#type = value;
        break;
      case 'id':
        if (!value.includes('\0')) this.#id = value;
        break;
      case 'topic':
        this.#topic = value;
        break;
      case 'time':
        this.#time = value;
        break;
      case 'retry':
        this.#retry(value);
        break;
    }
  }

  #retry(value) {
    if (/^[0-9]+$/.test(value)) this.#listener.retry?.(Number(value));
  }

  #dispatch() {
    const { type, data, topic, time } = { type: this.#type || 'message', data: this.#data, topic: this.#topic, time: this.#time };
    this.#type = this.#data = this.#topic = this.#time = '';
    this.#listener.id?.(this.#id);
    // A block without data is no event, but its id counts.
    if (data === '') return;
    this.#listener.event?.({ type, data: data.endsWith('\n') ? data.slice(0, -1) : data, id: this.#id, topic, time });
  }

  #bounded(text, more) {
    const room = this.#length_max - text.length;
    return more.length <= room ? text + more : text + more.slice(0, Math.max(room, 0));
  }
}
