// The events that a page hears.

import type { Transport } from "./carry.js";
import type { StreamEvent } from "./event.js";
import type { Failure, Problem } from "./failure.js";
import type { State } from "./source.js";

/** An event that was published. Its `type` is that of the publisher; `message` if it has none. */
export class TidingsEvent extends MessageEvent<string> {
  /** Empty where the stream does not say. */
  readonly topic: string;
  /** When it was published, as RFC 3339. Empty where the stream does not say. */
  readonly time: string;

  constructor({ type, data, id, topic, time }: StreamEvent, origin: string) {
    super(type, { data, lastEventId: id, origin });
    this.topic = topic;
    this.time = time;
  }

  /** `data`, as JSON. Throws a `SyntaxError` if it is none. */
  json<T = unknown>(): T {
    return JSON.parse(this.data);
  }
}

/** Events that were asked for are gone from the log of the hub: what the page shows may be old. */
export interface GapEvent extends TidingsEvent {
  readonly type: "gap";
  /** The id that was asked for. */
  readonly requested: string;
  /** `expired`, `unknown`, `other-epoch` or `damaged`; there may be more one day. */
  readonly reason: string;
  /** The place after which the stream goes on. */
  readonly resumesAfter: string;
}

/** An attempt has failed. */
export interface ErrorEvent extends Event {
  readonly type: "error";
  readonly error: Failure;
  readonly message: string;
  /** Of the answer; 0 where none came. */
  readonly status: number;
  /** What the hub says of it, if it says something. */
  readonly problem: Problem | undefined;
  /** Whether the client asks again by itself. If not, it is closed. */
  readonly willRetry: boolean;
  /** Milliseconds until it does. */
  readonly retryInMs: number;
}

/** Another transport is used. */
export interface TransportEvent extends Event {
  readonly type: "transport";
  readonly transport: Transport;
}

/** It is connected, asks again, waits, or has ended. */
export interface StateChangeEvent extends Event {
  readonly type: "statechange";
  readonly state: State;
  /** While it waits: milliseconds until it asks again. Else 0. */
  readonly retryInMs: number;
}

export function gapOf(event: StreamEvent, origin: string): GapEvent {
  const { requested, reason, resumes_after: resumesAfter } = membersOf(event.data);
  return Object.assign(new TidingsEvent({ ...event, type: "gap" }, origin), { requested, reason, resumesAfter }) as GapEvent;
}

export function errorOf(error: Failure, willRetry: boolean, retryInMs: number): object {
  const { message, status, problem } = error;
  return { error, message, status, problem, willRetry, retryInMs };
}

/** What a hub says of itself is JSON. Another server may say anything. */
function membersOf(data: string): Record<string, unknown> {
  try {
    return JSON.parse(data) ?? {};
  } catch {
    return {};
  }
}
