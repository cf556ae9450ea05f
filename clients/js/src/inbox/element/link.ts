/** Schemes of links that are opened. Everything else may run in the page, or start a program. */
const SCHEMES = ["http:", "https:", "mailto:"];

/** The link as the page resolves it; undefined if it is not to be opened. The hub refuses such links, too. */
export function safeLink(link: string | undefined, base: string): string | undefined {
  if (!link) return undefined;
  try {
    const url = new URL(link, base);
    return SCHEMES.includes(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}
