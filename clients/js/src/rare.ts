// Transports that are seldom needed: a WebSocket, the browser's own EventSource, and a hidden frame. None of them takes headers,
// or shows why it was refused.

import { Answer } from "./answer.js";
import { begins, type Rare } from "./carriers.js";
import type { Ask, Carry } from "./carry.js";
import type { Core } from "./core.js";
import type { Failure, Problem } from "./failure.js";
import { besides } from "./paths.js";

export function carrierOf(core: Core, rare: Rare): Carry {
  const { failureOf } = core;
  return async (ask, hear, signal) => {
    const url = addressOf(ask.url, rare);
    const ticket = await ticketOf(ask, failureOf, signal);
    if (signal.aborted) return;
    if (ticket) url.searchParams.set("ticket", ticket);
    const answer = new Answer(hear, url.origin, ask.id);
    // At once, so that nothing is told behind the signal.
    signal.addEventListener("abort", () => answer.end());
    answer.stop = begins[rare](url, answer, ask.credentials === "include");
    const thrown = await answer.ended;
    if (signal.aborted) return;
    const { refusal, retryMs, hasBegun } = answer;
    if (refusal) throw refused(core, refusal, retryMs);
    if (!hasBegun) throw (await whyNot(ask, rare, failureOf, signal)) ?? thrown ?? new Error(`nothing comes over ${rare}`);
    if (thrown) throw thrown;
    await answer.room;
  };
}

type FailureOf = Core["failureOf"];

/** A refusal that came as a document. */
function refused({ Failure }: Core, problem: Problem, retryMs?: number): Failure {
  const { status, title, detail = "" } = problem;
  return new Failure(`${status} ${title}${detail && `: ${detail}`}`, status, problem, retryMs);
}

function addressOf(asked: URL, rare: Rare): URL {
  const url = new URL(asked);
  // So the type of every event is heard, and not only those that a page names.
  if (rare === "native") url.searchParams.set("envelope", "json");
  if (rare === "iframe") {
    url.searchParams.set("mode", "iframe");
    url.searchParams.set("origin", location.origin);
  }
  return url;
}

/** What stands for a key or a token, once, where there can be no header. */
async function ticketOf({ url, headers, credentials }: Ask, failureOf: FailureOf, signal: AbortSignal): Promise<string> {
  if (!headers["authorization"]) return "";
  const request = { method: "POST", headers: { ...headers, accept: "application/json" }, credentials, cache: "no-store", signal };
  const response = await fetch(besides(url, "tickets"), request as RequestInit);
  if (response.ok) return (await response.json()).ticket;
  // A hub without access settings has no tickets. Everybody may read there.
  if (response.status === 404) return "";
  throw await failureOf(response);
}

/** Asks for lines of JSON, which are refused for the same reasons, and in words that `fetch` can read. */
async function whyNot(ask: Ask, rare: Rare, failureOf: FailureOf, signal: AbortSignal): Promise<Failure | undefined> {
  const stop = new AbortController();
  signal.addEventListener("abort", () => stop.abort());
  const asked = (credentials = ask.credentials) => {
    const headers = { ...ask.headers, accept: "application/x-ndjson" };
    return fetch(ask.url, { headers, credentials, cache: "no-store", signal: stop.signal } as RequestInit);
  };
  try {
    // A WebSocket and a frame bring cookies to every origin. A hub that every origin may read is read without.
    const response = await (rare === "native" ? asked() : asked("include").catch(() => asked()));
    return response.ok ? undefined : await failureOf(response);
  } finally {
    // If it is a stream, it has no end.
    stop.abort();
  }
}
