// The other paths that topics have on this hub, as its configuration says. The page is told in its head.

/**
 * Reads what stands in the page: an object of paths and topics, or nothing where the page is not the hub's.
 *
 * @param {string | undefined} text
 * @returns {[path: string, selector: string][]}
 */
export function aliasesOf(text) {
  try {
    return Object.entries(JSON.parse(text ?? '{}') ?? {});
  } catch {
    return [];
  }
}

/**
 * The path, below the hub's root, that stands for these selectors. The first one, if there are several.
 *
 * @param {[path: string, selector: string][]} aliases
 * @param {string[]} selectors
 */
export function aliasFor(aliases, selectors) {
  const found = selectors.length === 1 && aliases.find(([, selector]) => selector === selectors[0]);
  return found ? found[0].slice(1) : '';
}
