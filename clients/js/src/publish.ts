// Publishes: once, however often it has to be sent.

import type { Fresh } from "./access.js";
import { answered, type CallOptions } from "./answered.js";
import type { Core } from "./core.js";

export interface PublishOptions extends CallOptions {
  /** The topic, where the URL is `/events` of a hub. */
  topic?: string | undefined;
  /** By which pages hear the event; `message` if it is left out. */
  type?: string | undefined;
  /** Your own id for the event. */
  id?: string | undefined;
  /** The idempotency key: the same event with the same key is published once. By default each call makes one. */
  key?: string | undefined;
  /** The connection that is not told of the event: what `tidings.open` of your own stream names. */
  except?: string | undefined;
}

export interface Published {
  /** Of the event. It is in the log. */
  id: string;
  /** The idempotency key that was used. */
  key: string;
  /** Whether it was published before, by the same key. */
  replayed: boolean;
}

/** An event of `publishAll`. */
export interface Draft {
  topic: string;
  /** A text as it is, and anything else as JSON. */
  data: unknown;
  type?: string | undefined;
  id?: string | undefined;
}

export interface PublishedAll {
  /** Of the events, in their order. */
  ids: string[];
  key: string;
  replayed: boolean;
}

export type PublishAllOptions = Pick<PublishOptions, keyof CallOptions | "key" | "except">;

export function publish(core: Core, url: Fresh<string | URL>, data: unknown, options: PublishOptions = {}): Promise<Published> {
  const { topic, type, id, key = newKey(), except } = options;
  const headers = { "content-type": typeof data === "string" ? "text/plain;charset=UTF-8" : "application/json", "idempotency-key": key };
  const address = (at: URL) => {
    if (topic !== undefined) at.pathname = below(at.pathname, topic);
    for (const [name, value] of Object.entries({ event: type, id, except })) if (value !== undefined) at.searchParams.set(name, value);
  };
  const request = { url, address, method: "POST", headers, body: textOf(data) };
  return answered(core, request, options, async (answer) => {
    const { id } = await answer.json();
    return { id, key, replayed: isReplayed(answer) };
  });
}

/** All of them or none, next to each other and in their order. */
export function publishAll(core: Core, url: Fresh<string | URL>, events: Iterable<Draft>, options: PublishAllOptions = {}): Promise<PublishedAll> {
  const { key = newKey(), except } = options;
  const lines = [...events].map(({ topic, data, type, id }) => `${JSON.stringify({ topic, data: textOf(data), type, id })}\n`);
  const headers = { "content-type": "application/x-ndjson", "idempotency-key": key };
  const address = (at: URL) => except !== undefined && at.searchParams.set("except", except);
  const request = { url, address, method: "POST", headers, body: lines.join("") };
  return answered(core, request, options, async (answer) => {
    const { ids } = await answer.json();
    return { ids, key, replayed: isReplayed(answer) };
  });
}

/** What JSON would say nothing of, though it has bytes or members. */
const NO_JSON = /^\[object (Blob|File|FormData|URLSearchParams|ArrayBuffer|DataView|\w+Array|ReadableStream|Map|Set)\]$/;

function textOf(data: unknown): string {
  const kind = Object.prototype.toString.call(data);
  if (NO_JSON.test(kind)) throw new TypeError(`an event is a text, or what JSON can say: ${kind}`);
  const text = typeof data === "string" ? data : JSON.stringify(data);
  if (text === undefined) throw new TypeError(`no text, and nothing that JSON can say: ${String(data)}`);
  return text;
}

/** The path of a topic below `/events`. */
function below(path: string, topic: string): string {
  if (!/\/events\/?$/.test(path)) throw new TypeError(`\`topic\` goes with the URL \`/events\` of a hub, and not with \`${path}\``);
  const segments = topic.split("/").map(encodeURIComponent);
  // Programs on the way fold two slashes into one.
  return `${path.replace(/\/$/, "")}/${segments.join(segments.includes("") ? "%2F" : "/")}`;
}

/** 128 bits of chance. `crypto.randomUUID` is for pages of `https` alone. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function isReplayed({ headers }: Response): boolean {
  return headers.get("idempotency-replayed") === "true";
}
