/** The URL, as the page resolves it. */
export function absolute(url: string | URL): URL {
  return new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
}
