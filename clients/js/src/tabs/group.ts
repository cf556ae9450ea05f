// Who may share a connection: tabs that ask the same hub in the same way as the same user.

import type { Shown } from "../access.js";
import type { Kit } from "./kit.js";
import { VERSION } from "./messages.js";
import { nameOf } from "./name.js";
import { isReserved, SELECTORS_MAX } from "./selectors.js";

/** Parameters that say where this tab begins, and those that the client sets in any case. Others may mean something that tabs cannot share. */
const OF_A_TAB = ["topic", "last", "since", "last_event_id", "lastEventId", "opening", "with"];
/** What the tabs of a group have in common. */
const OF_ALL = "on_gap";
/** Transports that carry places beside ids. */
const SHARED = ["sse", "post", "long-poll", "poll"];

export interface Group {
  /** What this tab wants. */
  readonly selectors: readonly string[];
  /** What the tabs have in common of their requests: `/events` without topics and places. */
  readonly events: URL;
  /** Names the channel and the locks of those who show the same user. */
  nameFor(shown: Shown): Promise<string>;
}

/** Undefined for what cannot be shared. */
export function groupOf({ asked, transports, core }: Kit): Group | undefined {
  const { url: given, topics, credentials } = asked;
  if (typeof given === "function" || !transports.every((transport) => SHARED.includes(transport))) return undefined;
  const url = core.absolute(given);
  const segments = url.pathname.split("/");
  const at = segments.indexOf("events");
  // An alias of a topic, a signed URL, one that another server knows.
  if (at < 0 || segments.includes("events", at + 1)) return undefined;
  if ([...url.searchParams.keys()].some((name) => name !== OF_ALL && !OF_A_TAB.includes(name))) return undefined;
  const path = segments.slice(at + 1).join("/");
  const named = [...url.searchParams.getAll("topic"), ...topics];
  if (path && named.length) return undefined;
  const selectors = path ? [decoded(path)] : [...new Set(named)];
  if (!selectors.length || selectors.length > SELECTORS_MAX || selectors.some((selector) => !selector || isReserved(selector))) return undefined;
  const events = new URL(segments.slice(0, at + 1).join("/"), url);
  const onGap = url.searchParams.get(OF_ALL);
  if (onGap !== null) events.searchParams.set(OF_ALL, onGap);
  return {
    selectors,
    events,
    nameFor: async ({ token, headers: { authorization, ...headers } }) => {
      // Where the token is the one that `authorization` shows, its user counts, since each tab may have a token of its own.
      const user = token && authorization === `Bearer ${token}` ? await userOf(token) : ["", authorization ?? ""];
      return nameOf(`tidings.tabs ${VERSION}`, [events.href, credentials ?? "", transports, user, Object.entries(headers).sort()]);
    },
  };
}

/** The issuer with the subject, or the token itself where it names no user. */
async function userOf(token: string): Promise<unknown[]> {
  const { claimsOf } = await import("../renewal.js");
  const { sub, iss } = claimsOf(token) as { sub?: unknown; iss?: unknown };
  return sub === undefined ? ["", token] : ["sub", sub, iss ?? ""];
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return "";
  }
}
