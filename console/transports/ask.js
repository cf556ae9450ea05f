// An answer by fetch, for transports that read it themselves.

import { problemOf, unreachable } from '../problem.js';

/**
 * Asks, and hands a good answer to `read`. A refusal, and a connection that is lost on the way, end the link with a problem.
 *
 * @param {string | URL} url
 * @param {RequestInit & { signal: AbortSignal }} request  Nothing is told once its signal is given.
 * @param {import('./documents.js').Hear} hear
 * @param {(answer: Response) => Promise<void>} read
 */
export async function ask(url, request, hear, read) {
  try {
    const answer = await fetch(url, request);
    if (!answer.ok) return hear.end({ problem: await problemOf(answer) });
    await read(answer);
  } catch {
    if (!request.signal.aborted) hear.end({ problem: unreachable() });
  }
}
