// JSON for reading: indented and cut into coloured pieces, every token as it was sent. Pure.
//
// `JSON.parse` and `stringify` would show something else than what came: 12345678901234567890 becomes
// 12345678901234567000, 1.0 becomes 1, and of two equal keys one is gone.

/** Longest text that is looked at: formatting more would hold up the page. */
const LENGTH_MAX = 1_048_576;

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** @typedef {{ kind: 'key' | 'string' | 'number' | 'word' | 'mark', text: string }} Piece */

/**
 * The text as indented pieces, or null if it is not a JSON object or array.
 *
 * @param {string} text
 * @returns {Piece[] | null}
 */
export function piecesOf(text) {
  if (!isJson(text)) return null;
  const tokens = text.match(TOKEN) ?? [];
  const pieces = [];
  let depth = 0;
  tokens.forEach((token, index) => {
    const next = tokens[index + 1];
    if (token === '}' || token === ']') depth -= 1;
    if (token === '{' || token === '[') depth += 1;
    pieces.push({ kind: kindOf(token, next), text: token + spaceAfter(token, next, depth) });
  });
  return pieces;
}

/** Whether the text is a JSON object or array; other values need no indenting. */
export function isJson(text) {
  if (text.length > LENGTH_MAX || !/^\s*[{[]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function kindOf(token, next) {
  if (token.startsWith('"')) return next === ':' ? 'key' : 'string';
  if (/^[{}[\],:]$/.test(token)) return 'mark';
  return /^[-\d]/.test(token) ? 'number' : 'word';
}

function spaceAfter(token, next, depth) {
  const opens = token === '{' || token === '[';
  const closes = next === '}' || next === ']';
  if (token === ':') return ' ';
  if (next === undefined || next === ',' || next === ':' || (opens && closes)) return '';
  if (token === ',' || opens) return `\n${'  '.repeat(depth)}`;
  return closes ? `\n${'  '.repeat(depth - 1)}` : '';
}
