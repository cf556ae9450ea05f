// What went wrong with a request, as the hub says it (application/problem+json) or as plainly as can be told.

/** @typedef {{ status: number, title: string, detail: string }} Problem `status` is 0 when no answer came. */

/**
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
export async function problemOf(response) {
  const plain = { status: response.status, title: response.statusText, detail: '' };
  const type = response.headers.get('content-type') ?? '';
  if (!type.startsWith('application/problem+json')) return plain;
  try {
    const { title, detail } = await response.json();
    return { ...plain, title: text(title) || plain.title, detail: text(detail) };
  } catch {
    return plain;
  }
}

/** @returns {Problem} */
export function unreachable() {
  return { status: 0, title: '', detail: '' };
}

function text(value) {
  return typeof value === 'string' ? value : '';
}
