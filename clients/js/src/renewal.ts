// When what a request shows is over. Loaded where something is shown that can be.

/** What a token (JWT) says of itself, unchecked; empty if it is none. */
export function claimsOf(token: string): { sub?: unknown; exp?: unknown } {
  try {
    const payload = token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/");
    return JSON.parse(atob(payload)) ?? {};
  } catch {
    return {};
  }
}

/** When a token, or a URL that is signed, ends: ms since the epoch. */
export function endOf(token: string, url: URL): number | undefined {
  const seconds = Number(claimsOf(token).exp ?? url.searchParams.get("expires"));
  return seconds > 0 ? seconds * 1_000 : undefined;
}
