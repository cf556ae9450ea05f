// Why an attempt failed: what the hub says of it, or that nothing came.

/** What a hub says of a request that it refuses: `application/problem+json`, RFC 9457. */
export interface Problem {
  /** For a hub of tidings `urn:tidings:problem:…`. */
  type: string;
  title: string;
  status: number;
  detail?: string;
  /** Members that only some problems have, such as `uncovered`. */
  [member: string]: unknown;
}

export class Failure extends Error {
  override readonly name: string = "Failure";
  /** Of the answer; 0 where none came: no network, no hub, or a page that may not ask. */
  readonly status: number;
  readonly problem: Problem | undefined;
  /** Milliseconds that the hub asks to stay away. */
  readonly retryAfterMs: number;

  constructor(message: string, status = 0, problem?: Problem, retryAfterMs = 0) {
    super(message);
    this.status = status;
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may be answered later: no answer came, or one that says so. */
  get isPassing(): boolean {
    return [0, 408, 425, 429].includes(this.status) || this.status >= 500;
  }
}

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
