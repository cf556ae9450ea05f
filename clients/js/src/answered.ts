// Asks a hub until it answers: the same request again where nothing came, or where the hub says that it is busy.

import type { Access, Fresh } from "./access.js";
import type { Core } from "./core.js";
import type { Failure } from "./failure.js";

/** What a call takes beside what it asks for. */
export interface CallOptions extends Access {
  /** Ends the call when it is aborted; it rejects with the reason of the signal then. */
  signal?: AbortSignal | undefined;
  /** Milliseconds until the call gives up: `CALL_MS_MAX` if it is left out. */
  timeoutMs?: number | undefined;
}

/** A user waits this long, and a hub that is started anew is back before. */
export const CALL_MS_MAX = 30_000;
/** A connection that looks open may be dead. The same request over another one is answered once. */
const ATTEMPT_MS_MAX = 10_000;
/** The first wait is up to this, and each one up to twice the one before, with full jitter. */
const WAIT_MS = 500;
const WAIT_MS_MAX = 8_000;

/** What is asked for. Headers that are given by hand replace these. */
export interface Request {
  url: Fresh<string | URL>;
  /** Adds to the URL. */
  address?(url: URL): void;
  method: string;
  headers: Record<string, string>;
  body?: string;
  /** The browser sends it also when the page is left meanwhile. */
  isKept?: boolean;
  /** The caller comes back by itself, and is told of each failure. */
  isOnce?: boolean;
}

/** What is used of the core. */
type Calling = Pick<Core, "absolute" | "Failure" | "failureOf" | "fresh" | "isRenewable" | "show">;

/** Rejects with a `Failure` where the hub refuses, or does not answer in time. */
export async function answered<T>(core: Calling, request: Request, options: CallOptions, read: (answer: Response) => Promise<T>): Promise<T> {
  const { signal, timeoutMs = CALL_MS_MAX } = options;
  if (!(timeoutMs >= 0)) throw new TypeError(`timeoutMs is no number of milliseconds: ${timeoutMs}`);
  const end = Date.now() + timeoutMs;
  // What is wrong with the URL is wrong later, too.
  if (!(request.url instanceof Function)) request.address?.(core.absolute(request.url));
  let told: Failure | undefined;
  for (let failures = 0, wasRefused = false; ; failures += 1) {
    try {
      return await attempt(core, request, options, Math.min(end - Date.now(), ATTEMPT_MS_MAX), read);
    } catch (thrown) {
      if (signal?.aborted) throw reasonOf(signal);
      const failure = thrown instanceof core.Failure ? thrown : new core.Failure(messageOf(thrown));
      if (!failure.isPassing && !core.isRenewable({ ...options, url: request.url }, failure, wasRefused)) throw failure;
      if (request.isOnce && failure.isPassing) throw failure;
      wasRefused = failure.status === 401;
      const waitMs = failure.retryAfterMs + Math.random() * Math.min(WAIT_MS * 2 ** failures, WAIT_MS_MAX);
      // What the hub has said last says more than a last attempt for which there was no time.
      if (failure.status) told = failure;
      if (Date.now() + waitMs >= end) throw told ?? failure;
      await pause(waitMs, signal);
      if (signal?.aborted) throw reasonOf(signal);
    }
  }
}

async function attempt<T>(
  core: Calling,
  { url: given, address, method, headers, body, isKept }: Request,
  options: CallOptions,
  ms: number,
  read: (answer: Response) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const leave = () => abort.abort();
  const late = new Promise<never>((_, reject) => {
    abort.signal.addEventListener("abort", () => reject(new core.Failure("no answer has come in time")));
  });
  const asked = async () => {
    const [location, shown] = await Promise.all([core.fresh(given), core.show(options)]);
    const url = core.absolute(location);
    address?.(url);
    const all = { ...headers, ...shown.headers };
    const request = { method, headers: all, body, credentials: options.credentials, cache: "no-store", signal: abort.signal, keepalive: isKept };
    const answer = await fetch(url, request as RequestInit);
    if (!answer.ok) throw await core.failureOf(answer);
    return read(answer);
  };
  const timer = setTimeout(leave, ms);
  options.signal?.addEventListener("abort", leave);
  if (options.signal?.aborted) leave();
  try {
    return await Promise.race([late, asked()]);
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", leave);
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
}

/** Older browsers know no reason. */
function reasonOf(signal: AbortSignal): unknown {
  return signal.reason ?? new DOMException("the call was aborted", "AbortError");
}
