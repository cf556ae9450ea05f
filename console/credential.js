// The key or token of this tab. The page sends it with all that it asks for, in the header `Authorization`.
//
// It stands in the tab's session storage, which the browser empties when the tab is closed, and nowhere else: not in local
// storage, which all pages of the hub share, not in a URL, and not in the text of the page.

const STORED_AS = 'tidings.key';

/** What a header can carry behind `Bearer `. `fetch` throws at a line end or a letter beyond Latin-1. */
const SENDABLE = /^[\x21-\x7e]+$/;

const listeners = new Set();

let credential = stored();

/** @returns {Record<string, string>} */
export function authorization() {
  return credential === '' ? {} : { authorization: `Bearer ${credential}` };
}

export function hasCredential() {
  return credential !== '';
}

/**
 * The user that a token names. Nothing is checked here: the hub decides what the token is good for.
 *
 * @returns {string} Empty if there is no token, or if it names nobody, as a key does.
 */
export function claimedUser() {
  const [, claims, signature] = credential.split('.');
  if (!signature) return '';
  try {
    const bytes = Uint8Array.from(atob(claims.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
    const { sub } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof sub === 'string' ? sub : '';
  } catch {
    return '';
  }
}

/**
 * Uses a key or token from now on.
 *
 * @param {string} text  As somebody pasted it, maybe with `Bearer ` in front.
 * @returns {boolean} False if no header can carry it; the one before stays then.
 */
export function useCredential(text) {
  const next = text.trim().replace(/^(authorization:\s*)?bearer(\s+|$)/i, '');
  if (!SENDABLE.test(next)) return false;
  keep(next);
  return true;
}

export function forgetCredential() {
  keep('');
}

/** @param {() => void} listener  Called when there is another one, or none any more. */
export function onCredential(listener) {
  listeners.add(listener);
}

function keep(next) {
  credential = next;
  try {
    if (next === '') sessionStorage.removeItem(STORED_AS);
    else sessionStorage.setItem(STORED_AS, next);
  } catch {
    // Storage may be forbidden; the credential is then known until the page is left.
  }
  for (const listener of listeners) listener();
}

function stored() {
  try {
    return sessionStorage.getItem(STORED_AS) ?? '';
  } catch {
    return '';
  }
}
