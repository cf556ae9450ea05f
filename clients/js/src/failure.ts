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
