// Decodes text/event-stream, as HTML 9.2.6 has it, from bytes in whatever pieces they come. It knows no network and no page.

import type { StreamEvent } from "./event.js";
import { Failure } from "./failure.js";

/** What a decoder tells, in the order of the stream. */
export interface DecoderListener {
  event(event: StreamEvent): void;
  /** At every blank line: where the stream is now. */
  id(id: string): void;
  /** At once, as the standard says. Milliseconds. */
  retry(ms: number): void;
  /** All after the colon. */
  comment(text: string): void;
}

/** Characters that a line, and an event's data, may have: four times the largest event of a hub by default, so that memory is bounded. */
export const LENGTH_MAX = 33_554_432;

export class Decoder {
  readonly #listener: DecoderListener;
  readonly #lengthMax: number;
  readonly #text = new TextDecoder();
  #line = "";
  #afterCr = false;
  #data = "";
  #type = "";
  #topic = "";
  #time = "";
  #id: string;

  /** `id` is the last event id of the stream before this one. */
  constructor(listener: DecoderListener, id = "", lengthMax = LENGTH_MAX) {
    this.#listener = listener;
    this.#id = id;
    this.#lengthMax = lengthMax;
  }

  /** Throws a `Failure` that does not pass if a line or an event is longer than a decoder may keep. */
  push(bytes: Uint8Array): void {
    let text = this.#text.decode(bytes, { stream: true });
    if (text === "") return;
    if (this.#afterCr && text[0] === "\n") text = text.slice(1);
    // A lone CR ends its line at once; an LF that follows belongs to it.
    this.#afterCr = text !== "" && text.endsWith("\r");
    const lineEnd = /[\r\n]/g;
    let start = 0;
    for (let end; (end = lineEnd.exec(text)) !== null; ) {
      const line = this.#joined(this.#line, text.slice(start, end.index));
      this.#line = "";
      if (end[0] === "\r" && text[end.index + 1] === "\n") lineEnd.lastIndex += 1;
      start = lineEnd.lastIndex;
      this.#interpret(line);
    }
    this.#line = this.#joined(this.#line, text.slice(start));
  }

  #interpret(line: string): void {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return this.#listener.comment(line.slice(1));
    if (colon < 0) return this.#field(line, "");
    this.#field(line.slice(0, colon), line.slice(colon + (line[colon + 1] === " " ? 2 : 1)));
  }

  #field(name: string, value: string): void {
    if (name === "data") this.#data = this.#joined(this.#data, value + "\n");
    else if (name === "event") this.#type = value;
    else if (name === "topic") this.#topic = value;
    else if (name === "time") this.#time = value;
    else if (name === "id") this.#id = value.includes("\0") ? this.#id : value;
    else if (name === "retry" && /^[0-9]+$/.test(value)) this.#listener.retry(Number(value));
  }

  #dispatch(): void {
    const event = {
      type: this.#type || "message",
      data: this.#data.slice(0, -1),
      id: this.#id,
      topic: this.#topic,
      time: this.#time,
    };
    const isEvent = this.#data !== "";
    this.#type = this.#data = this.#topic = this.#time = "";
    this.#listener.id(event.id);
    // A block without data is no event, but its id counts.
    if (isEvent) this.#listener.event(event);
  }

  #joined(text: string, more: string): string {
    if (text.length + more.length > this.#lengthMax) throw new Failure("an event is too long", 413);
    return text + more;
  }
}
