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

/** What a block has said so far. */
const EMPTY = { type: "", data: "", topic: "", time: "" };

export class Decoder {
  readonly #listener: DecoderListener;
  readonly #lengthMax: number;
  readonly #text = new TextDecoder();
  #line = "";
  #afterCr = false;
  #block = { ...EMPTY };
  #id: string;

  /** `id` is the last event id of the stream before this one. */
  constructor(listener: DecoderListener, id = "", lengthMax = LENGTH_MAX) {
    this.#listener = listener;
    this.#id = id;
    this.#lengthMax = lengthMax;
  }

  /** Throws a `Failure` that does not pass if a line or an event is longer than a decoder may keep. */
  push(bytes: Uint8Array): void {
    const text = this.#text.decode(bytes, { stream: true });
    if (!text) return;
    // A lone CR ends its line at once; an LF that follows belongs to it.
    const lines = text.slice(this.#afterCr && text[0] === "\n" ? 1 : 0).split(/\r\n?|\n/);
    this.#afterCr = text.endsWith("\r");
    lines[0] = this.#joined(this.#line, lines[0]!);
    this.#line = lines.pop()!;
    for (const line of lines) this.#interpret(line);
  }

  #interpret(line: string): void {
    if (!line) return this.#dispatch();
    const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
    const block = this.#block;
    if (name === "") this.#listener.comment(line.slice(1));
    else if (name === "data") block.data = this.#joined(block.data, value + "\n");
    else if (name === "event") block.type = value;
    else if (name === "topic" || name === "time") block[name] = value;
    else if (name === "id") this.#id = value.includes("\0") ? this.#id : value;
    else if (name === "retry" && /^\d+$/.test(value)) this.#listener.retry(+value);
  }

  #dispatch(): void {
    const { type, data, topic, time } = this.#block;
    const id = this.#id;
    this.#block = { ...EMPTY };
    this.#listener.id(id);
    // A block without data is no event, but its id counts.
    if (data) this.#listener.event({ type: type || "message", data: data.slice(0, -1), id, topic, time });
  }

  #joined(text: string, more: string): string {
    if (text.length + more.length > this.#lengthMax) throw new Failure("an event is too long", 413);
    return text + more;
  }
}
