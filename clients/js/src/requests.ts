// Makes the request of an attempt: the same stream of the same hub, over whatever transport.

import { type Access, type Fresh, fresh, show } from "./access.js";
import type { Ask, Transport } from "./carry.js";
import { core } from "./core.js";
import { absolute } from "./absolute.js";

/** What is asked for, and by whom. */
export interface Asked extends Access {
  url: Fresh<string | URL>;
  topics: readonly string[];
}

/** Parameters that say where a stream begins. Once there is an id they mean nothing. */
const BEGINNINGS = ["last", "since", "last_event_id", "lastEventId"];

/** `isFirst`: the first attempt over this transport. */
export async function requestOf(asked: Asked, transport: Transport, id: string, isFirst: boolean): Promise<Ask> {
  const [given, { headers, token }] = await Promise.all([fresh(asked.url), show(asked)]);
  const url = absolute(given);
  const query = url.searchParams;
  for (const topic of asked.topics) query.append("topic", topic);
  if (id) {
    for (const name of BEGINNINGS) query.delete(name);
    // A parameter, because a header would make a page of another origin ask first whether it may. Within one origin it is both,
    // because some proxies cut parameters off.
    query.set("last_event_id", id);
    if (url.origin === globalThis.location?.origin) headers["last-event-id"] = byteStringOf(id);
  }
  // Places are told always, so that nothing is missed; topic and time are what a page wants to know of an event.
  query.set("opening", "always");
  query.set("with", "time");
  // A token or a URL that is always the same would only be shown again.
  const isRenewed = asked.token instanceof Function || asked.url instanceof Function;
  const ask: Ask = {
    url,
    headers: { accept: "text/event-stream", ...headers },
    credentials: asked.credentials,
    id,
    until: isRenewed && (token || query.has("expires")) ? import("./renewal.js").then(({ endOf }) => endOf(token, url), () => undefined) : undefined,
  };
  if (transport === "sse") return ask;
  return (await import("./fallback.js")).adapted(core, ask, transport, isFirst);
}

/** `fetch` takes headers as bytes, a character each; the standard wants the UTF-8 bytes of the id. */
export function byteStringOf(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}
