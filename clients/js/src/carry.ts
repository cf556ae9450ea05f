// What every transport does: it asks once, tells what it hears, and returns at the end of the answer.

import { decoderOf } from "./decoder.js";
import type { StreamEvent } from "./event.js";
import { failureOf } from "./refusal.js";

export type Transport = "sse" | "post" | "long-poll" | "poll" | "websocket" | "native" | "iframe";

/** One request. What is left out is as `fetch` has it. */
export interface Ask {
  url: URL;
  method?: string | undefined;
  headers: Record<string, string>;
  body?: BodyInit | undefined;
  credentials: RequestCredentials | undefined;
  /** Where to go on; empty at the beginning. */
  id: string;
  /** What carries it: `fetch`, if it is left out. */
  carry?: Carry | undefined;
  /** When the access of this request ends, in ms since the epoch, if that is known. */
  until?: Promise<number | undefined> | undefined;
}

/** Hears one answer. */
export interface Hear {
  /** The hub has agreed. `origin` is that of the final URL. */
  open(origin: string): void;
  /** Bytes have come, and what is in them was told: nothing on the way holds them back. */
  bytes(): void;
  event(event: StreamEvent): void;
  id(id: string): void;
  retry(ms: number): void;
  /** How often the hub says something at least. */
  heartbeat(ms: number): void;
  /** Waits until the page has room for more. */
  room(): Promise<unknown> | undefined;
}

/**
 * Carries one answer to its end. Rejects with a `Failure` where the hub refuses, and with anything where the network fails or the
 * signal ends it. Nothing is told once the signal is aborted, but for the rest of what has come already.
 */
export type Carry = (ask: Ask, hear: Hear, signal: AbortSignal) => Promise<void>;

/** Streams and polls by `fetch`: they differ in their requests alone. */
export const carryByFetch: Carry = async (ask, hear, signal) => {
  const { id, until: _, url, ...request } = ask;
  const response = await fetch(url, { ...request, cache: "no-store", signal } as RequestInit);
  const type = response.headers.get("content-type") ?? "";
  if (response.status !== 200 || !/^text\/event-stream\s*(;|$)/i.test(type)) throw await failureOf(response);
  hear.open(new URL(response.url || url).origin);
  const comment = (text: string) => {
    const ms = /^ heartbeat (\d+)$/.exec(text)?.[1];
    if (ms) hear.heartbeat(+ms);
  };
  const decode = decoderOf({ ...hear, comment }, id);
  // Some browsers hand out an answer only as a whole. They are asked for answers that end.
  const reader = response.body?.getReader();
  do {
    const value = reader ? (await reader.read()).value : new Uint8Array(await response.arrayBuffer());
    if (!value || signal.aborted) return;
    decode(value);
    // After what they tell of heartbeats.
    hear.bytes();
    await hear.room();
  } while (reader);
};
