// Reads events in envelopes: they have their places beside their ids. An id may be one of its publisher, which stands for a place only
// among the topics that are asked for, and may have come twice.

import type { Carry } from "../carry.js";
import type { StreamEvent } from "../event.js";

/** An event with its place. */
export interface Placed extends StreamEvent {
  /** Empty where none was told, or where the answer is not that of a hub. */
  cursor: string;
}

/** What is in an envelope. */
export const ENVELOPE = ["envelope", "json"] as const;

/** The same transport; what it tells are `Placed` events, and the ids of places alone. */
export function opened(carry: Carry): Carry {
  return (ask, hear, signal) => {
    let id = ask.id;
    let isTold = false;
    return carry(
      ask,
      {
        open: (origin) => hear.open(origin),
        bytes: () => hear.bytes(),
        retry: (ms) => hear.retry(ms),
        heartbeat: (ms) => hear.heartbeat(ms),
        room: () => hear.room(),
        id: (next) => {
          // What the hub says without an id is told with the one before.
          isTold = next !== id;
          id = next;
        },
        event: (event) => {
          const placed = event.type === "message" ? placedOf(event) : { ...event, cursor: isTold ? event.id : "" };
          // Behind the event, so that nothing is passed over if the client leaves between the two.
          hear.event(placed);
          if (placed.cursor) hear.id(placed.cursor);
        },
      },
      signal,
    );
  };
}

function placedOf(event: StreamEvent): Placed {
  try {
    const { cursor, id, topic, type, data, time } = JSON.parse(event.data);
    if ([cursor, id, topic, type, data, time].every((member) => typeof member === "string")) return { cursor, id, topic, type, data, time };
  } catch {
    // Another server, which knows no envelopes.
  }
  return { ...event, cursor: "" };
}
