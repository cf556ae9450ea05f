// What a request shows, so that the hub lets it in: made anew for every attempt.

import type { Failure } from "./failure.js";

/** A value, or what makes it: called at every attempt. */
export type Fresh<T> = T | (() => T | Promise<T>);

export function fresh<T>(value: Fresh<T>): T | Promise<T> {
  return value instanceof Function ? value() : value;
}

/** What a subscription or a publisher shows. */
export interface Access {
  /** A key or a token, for `Authorization: Bearer`. */
  token?: Fresh<string | null | undefined> | undefined;
  headers?: Fresh<Record<string, string>> | undefined;
  /** Whether cookies go to another origin: `include`. By default they go to that of the page alone. */
  credentials?: RequestCredentials | undefined;
}

export interface Shown {
  headers: Record<string, string>;
  /** The token, if there is one. */
  token: string;
}

/** Headers have names in lower case, so that one that is given by hand replaces ours. */
export async function show({ token, headers }: Access): Promise<Shown> {
  const shown: Record<string, string> = {};
  const bearer = await fresh(token);
  if (bearer) shown["authorization"] = `Bearer ${bearer}`;
  for (const [name, value] of Object.entries((await fresh(headers)) ?? {})) shown[name.toLowerCase()] = value;
  return { headers: shown, token: bearer ?? "" };
}

/** Whether what is shown was refused, and another may be shown next time. `wasRefused`: the one before was, too. */
export function isRenewable({ token, headers, url }: Access & { url?: unknown }, { status }: Failure, wasRefused: boolean): boolean {
  return status === 401 && !wasRefused && [token, headers, url].some((value) => value instanceof Function);
}
