// What came of an attempt, as a failure.

import { Failure } from "./failure.js";

/** Reads why a hub refuses. */
export async function failureOf(response: Response): Promise<Failure> {
  const { status, statusText, headers } = response;
  // Retry-After may also be a date; the client's own delay serves then.
  const afterMs = Number(headers.get("retry-after")) * 1_000 || 0;
  const type = headers.get("content-type");
  if (status === 200) return new Failure(`not an event stream: ${type}`, status);
  // Without a problem the status says enough.
  const problem = /json/.test(type ?? "") ? await response.json().catch(() => undefined) : undefined;
  const { title = statusText, detail = "" } = problem ?? {};
  return new Failure(`${status} ${title}${detail && `: ${detail}`}`, status, problem, afterMs);
}

/** What was thrown, as a failure. */
export function asFailure(thrown: unknown): Failure {
  return thrown instanceof Failure ? thrown : new Failure(thrown instanceof Error ? thrown.message : `${thrown}`);
}
