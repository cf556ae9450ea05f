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

  /** Whether the same request may be answered later: no answer came, or the hub said that it is busy. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 425 || this.status === 429 || this.status >= 500;
  }
}

/** Reads why a hub refuses. */
export async function failureOf(response: Response): Promise<Failure> {
  const { status, statusText, headers } = response;
  // Retry-After may also be a date; the client's own delay serves then.
  const afterMs = Number(headers.get("retry-after")) * 1_000 || 0;
  const type = headers.get("content-type") ?? "";
  let problem: Problem | undefined;
  if (/^application\/(problem\+)?json\b/i.test(type)) {
    try {
      const said = await response.json();
      if (typeof said?.title === "string") problem = { ...said, status };
    } catch {
      // The status says enough.
    }
  }
  const text = status === 200 ? `not an event stream: ${type || "no content type"}` : `${status} ${statusText}`.trim();
  return new Failure(problem ? [problem.title, problem.detail].filter(Boolean).join(": ") : text, status, problem, afterMs);
}

/** What was thrown, as a failure. */
export function asFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  return new Failure(thrown instanceof Error ? thrown.message : String(thrown));
}

/** Nothing came for longer than a connection may be silent: it is dead, or something on the way holds it back. */
export class Silent extends Failure {
  constructor() {
    super("the connection is silent");
  }
}
