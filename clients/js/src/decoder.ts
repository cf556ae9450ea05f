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

/**
 * Returns what takes the bytes. `id` is the last event id of the stream before this one. It throws a `Failure` that does not pass if a
 * line or an event is longer than a decoder may keep.
 */
export function decoderOf(listener: DecoderListener, id = "", lengthMax = LENGTH_MAX): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder();
  let rest = "";
  let afterCr = false;
  // What the block has said so far.
  let type = "";
  let data = "";
  let topic = "";
  let time = "";

  const joined = (text: string, more: string): string => {
    if (text.length + more.length > lengthMax) throw new Failure("an event is too long", 413);
    return text + more;
  };

  const interpret = (line: string) => {
    const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
    if (!line) dispatch();
    else if (name === "") listener.comment(line.slice(1));
    else if (name === "data") data = joined(data, value + "\n");
    else if (name === "event") type = value;
    else if (name === "topic") topic = value;
    else if (name === "time") time = value;
    else if (name === "id") id = value.includes("\0") ? id : value;
    else if (name === "retry" && /^\d+$/.test(value)) listener.retry(+value);
  };

  const dispatch = () => {
    const event = { type: type || "message", data: data.slice(0, -1), id, topic, time };
    // A block without data is no event, but its id counts.
    const isEvent = data;
    type = data = topic = time = "";
    listener.id(id);
    if (isEvent) listener.event(event);
  };

  return (bytes) => {
    const text = decoder.decode(bytes, { stream: true });
    if (!text) return;
    // A lone CR ends its line at once; an LF that follows belongs to it.
    const lines = text.slice(afterCr && text[0] === "\n" ? 1 : 0).split(/\r\n?|\n/);
    afterCr = text.endsWith("\r");
    lines[0] = joined(rest, lines[0]!);
    rest = lines.pop()!;
    lines.forEach(interpret);
  };
}
