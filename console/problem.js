// What went wrong with a request, as the hub says it (application/problem+json) or as plainly as can be told.

/**
 * @typedef {object} Problem
 * @property {number} status  0 when no answer came.
 * @property {string} type    What stands after `urn:tidings:problem:`; empty if it is another's.
 * @property {string} title
 * @property {string} detail
 */

const TYPE = 'urn:tidings:problem:';

/**
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
export async function problemOf(response) {
  const plain = { status: response.status, type: '', title: response.statusText, detail: '' };
  const type = response.headers.get('content-type') ?? '';
  if (!type.startsWith('application/problem+json')) return plain;
  try {
    const { type, title, detail } = await response.json();
    const name = text(type).startsWith(TYPE) ? type.slice(TYPE.length) : '';
    return { ...plain, type: name, title: text(title) || plain.title, detail: text(detail) };
  } catch {
    return plain;
  }
}

/** @returns {Problem} */
export function unreachable() {
  return { status: 0, type: '', title: '', detail: '' };
}

function text(value) {
  return typeof value === 'string' ? value : '';
}
