// Which topics a selector matches, and which selectors another one contains: as the hub has it.

/** Selectors that one subscription may have. The hub refuses more. */
export const SELECTORS_MAX = 100;

/** What stands first in the names that are for the hub's own use. */
const RESERVED = ["inbox", "tidings"];

/** Whether a topic or a pattern is below one of the hub's own names. */
export function isReserved(selector: string): boolean {
  return RESERVED.includes(selector.slice(0, Math.max(selector.indexOf("/"), 0)));
}

/**
 * Whether each topic of `inner` is one of `outer`, too. A topic contains itself alone. There are patterns that contain another one
 * without looking so, such as two stars and one in either order: they stay side by side.
 */
export function contains(outer: string, inner: string): boolean {
  const isWild = outer.startsWith("*/") || outer.startsWith("**/") || outer === "**" || outer === "*";
  return !(isWild && isReserved(inner)) && reaches(outer.split("/"), inner.split("/"));
}

function reaches(outer: readonly string[], inner: readonly string[]): boolean {
  const [first, ...rest] = outer;
  if (first === undefined) return inner.length === 0;
  if (first === "**" && reaches(rest, inner)) return true;
  const [met, ...left] = inner;
  if (met === undefined) return false;
  if (first === "**") return reaches(outer, left);
  return (first === met || (first === "*" && met !== "**")) && reaches(rest, left);
}

/** All of these selectors, without those that others contain. */
export function unionOf(lists: Iterable<readonly string[]>): string[] {
  const all = [...new Set([...lists].flat())].sort();
  // Of two that contain each other, which are equal, one is left by the set.
  return all.filter((inner) => !all.some((outer) => outer !== inner && contains(outer, inner)));
}
