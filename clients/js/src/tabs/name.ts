/** A name for locks and channels. Names can be seen by every page of this origin, so they do not tell what they are made of. */
export async function nameOf(prefix: string, parts: readonly unknown[]): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(parts)));
  return `${prefix} ${Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
