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

/**
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
export async function problemOf(response) {
  const plain = { status: response.status, type: '', title: response.statusText, detail: '', uncovered: [] };
  const type = response.headers.get('content-type') ?? '';
  if (!type.startsWith('application/problem+json')) return plain;
  try {
    const { type, title, detail, uncovered } = await response.json();
    const name = text(type).startsWith(TYPE) ? type.slice(TYPE.length) : '';
    return { ...plain, type: name, title: text(title) || plain.title, detail: text(detail), uncovered: texts(uncovered) };
  } catch {
    return plain;
  }
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
  return { status: 0, type: '', title: '', detail: '', uncovered: [] };
}

function text(value) {
  return typeof value === 'string' ? value : '';
}

function texts(value) {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
