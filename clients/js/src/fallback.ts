// What differs from a stream by `GET`, for what is on the way and lets none through. Loaded when that is found out.

import type { Ask, Transport } from "./carry.js";
import { besides, selectorsOf } from "./paths.js";
import type { Core } from "./core.js";
import { carrierOf } from "./rare.js";

/** Parameters that a body has. All others stay in the URL, such as those that show who asks. */
const IN_BODY = ["topic", "last", "since", "last_event_id", "lastEventId", "on_gap", "opening", "with", "envelope", "partial"];

/** The request over another transport than `sse`. `isFirst`: the first one over it. */
export function adapted(core: Core, ask: Ask, transport: Transport, isFirst: boolean): Ask {
  if (transport === "post") return posted(ask);
  if (transport === "websocket" || transport === "native" || transport === "iframe") return { ...ask, carry: carrierOf(core, transport) };
  // A page without types can ask for anything.
  if (transport !== "poll" && transport !== "long-poll") throw new core.Failure(`no such transport: ${transport}`, 400);
  const query = ask.url.searchParams;
  query.set("mode", transport);
  // The first one shows that this transport gets through.
  if (isFirst) query.set("wait", "0s");
  return ask;
}

/** `POST /subscribe`. */
function posted(ask: Ask): Ask {
  const url = besides(ask.url, "subscribe");
  const body: Record<string, unknown> = { topics: selectorsOf(ask.url) };
  for (const [name, value] of ask.url.searchParams) {
    if (!IN_BODY.includes(name)) url.searchParams.append(name, value);
    else if (name !== "topic") body[name === "lastEventId" ? "last_event_id" : name] = value;
  }
  const headers = { ...ask.headers, "content-type": "application/json" };
  return { ...ask, url, method: "POST", headers, body: JSON.stringify(body) };
}

export { Ladder } from "./ladder.js";
