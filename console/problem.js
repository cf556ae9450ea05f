// What went wrong with a request, as the hub says it (application/problem+json) or as plainly as can be told.

/**
 * @typedef {object} Problem
 * @property {number} status  0 when no answer came.
 * @property {string} type    What stands after `urn:tidings:problem:`; empty if it is another's.
 * @property {string} title
 * @property {string} detail
 * @property {string[]} uncovered  Selectors that access does not cover.
 */

const TYPE = 'urn:tidings:problem:';

/** Answers after which it makes sense to ask again by oneself. */
export const PASSING = [408, 425, 429, 500, 502, 503, 504];

/**
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
export async function problemOf(response) {
  const type = response.headers.get('content-type') ?? '';
  const said = type.startsWith('application/problem+json') ? await response.json().catch(() => null) : null;
  return problemIn(said, response.status, response.statusText);
}

/**
 * What a failure of the client is about.
 *
 * @param {{ status: number, message: string, problem?: object }} failure
 * @returns {Problem}
 */
export function problemOfFailure({ status, message, problem }) {
  // In front of what the server says there is the status, or what it means that there is no stream.
  return problemIn(problem, status, message.replace(/^(\d{3}|not an event stream:) ?(null$)?/, ''));
}

/**
 * A problem in a document of JSON. What that leaves out is told beside it.
 *
 * @returns {Problem}
 */
export function problemIn(said, status = Number(said?.status) || 0, title = '') {
  const type = text(said?.type);
  const name = type.startsWith(TYPE) ? type.slice(TYPE.length) : '';
  return { status, type: name, title: text(said?.title) || title, detail: text(said?.detail), uncovered: texts(said?.uncovered) };
}

/**
 * Whether another key or token may help.
 *
 * @param {Problem} problem
 */
export function isAboutAccess({ status, type }) {
  return status === 401 || type === 'not-covered';
}

/** @returns {Problem} */
export function unreachable() {
  return problemIn({});
}

function text(value) {
  return typeof value === 'string' ? value : '';
}

function texts(value) {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
