// Shows characters that nobody sees, and those that turn the direction of text around: each as its number, such as
// U+202E. Published text cannot look like another text, or change how the page around it reads. Pure, but for the nodes.

/** Controls other than tab and line ends, separators of lines, interlinear marks, and all that fonts show as nothing. */
const HIDDEN = /[\p{Default_Ignorable_Code_Point}\u2028\u2029\ufff9-\ufffb]|(?![\t\n\r])\p{Cc}/u;

/** Scripts whose letters are joined or kept apart by U+200C and U+200D. */
const JOINING = ['Arab', 'Syrc', 'Mong', 'Nkoo', 'Deva', 'Beng', 'Guru', 'Gujr', 'Orya', 'Taml', 'Telu', 'Knda', 'Mlym', 'Sinh', 'Khmr'];
const LETTERS = JOINING.map((script) => `\\p{scx=${script}}`).join('');

/** Hidden characters that belong to the visible one before them: emoji, variants of ideographs, joiners of letters. */
const BELONGING = [
  '(?<=\\p{Emoji})[\\ufe0e\\ufe0f]',
  '(?<=\\p{Ideographic})[\\ufe00-\\ufe02\\u{e0100}-\\u{e01ef}]',
  '(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\ufe0f])\\u200d(?=\\p{Extended_Pictographic})',
  `(?<=[${LETTERS}])[\\u200c\\u200d]`,
].join('|');

const SHOWN = new RegExp(`(?!${BELONGING})(?:${HIDDEN.source})`, 'gu');

/**
 * The text with the number of each such character in its place.
 *
 * @param {string} text
 */
export function visible(text) {
  return HIDDEN.test(text) ? text.replace(SHOWN, numberOf) : text;
}

/**
 * The same in pieces: text as it stands, and the numbers.
 *
 * @param {string} text
 * @returns {{ text: string, is_number: boolean }[]}
 */
export function visiblePieces(text) {
  if (!HIDDEN.test(text)) return [{ text, is_number: false }];
  const pieces = [];
  let from = 0;
  for (const { 0: character, index } of text.matchAll(SHOWN)) {
    if (index > from) pieces.push({ text: text.slice(from, index), is_number: false });
    pieces.push({ text: numberOf(character), is_number: true });
    from = index + character.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), is_number: false });
  return pieces;
}

/**
 * The text as a string literal of JavaScript has it: such characters are escaped.
 *
 * @param {string} text
 */
export function escaped(text) {
  const unit = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return text.replace(SHOWN, (character) => Array.from({ length: character.length }, (_, at) => unit(character[at])).join(''));
}

function numberOf(character) {
  return `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}
