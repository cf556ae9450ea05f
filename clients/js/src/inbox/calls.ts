// What an inbox asks a hub for once.

import { absolute } from "../absolute.js";
import { type Access, fresh, isRenewable, show } from "../access.js";
import { answered, type Request } from "../answered.js";
import { Failure } from "../failure.js";
import { failureOf } from "../refusal.js";
import { below, segmentsOf } from "./address.js";
import type { InboxFilter } from "./ledger.js";
import type { Mark } from "./marks.js";
import { type Count, countOf, isTexts, type List, listOf } from "./said.js";

const core = { absolute, Failure, failureOf, fresh, isRenewable, show };

/** What there is of preferences. */
export interface Preferences {
  readonly muted: readonly string[];
  readonly follows: readonly string[];
}

export class Calls {
  readonly #inbox: URL;
  readonly #access: Access;
  readonly #timeoutMs: number | undefined;

  constructor(inbox: URL, access: Access, timeoutMs: number | undefined) {
    this.#inbox = inbox;
    this.#access = access;
    this.#timeoutMs = timeoutMs;
  }

  /** A page of the list, the newest first, of those before an id. */
  list({ archived, unread, kind = [] }: InboxFilter, limit: number, before: string | undefined, signal: AbortSignal): Promise<List> {
    const url = new URL(this.#inbox);
    const query = url.searchParams;
    for (const [name, value] of Object.entries({ archived, unread, limit, before })) if (value !== undefined) query.set(name, String(value));
    for (const one of [kind].flat()) query.append("kind", one);
    return this.#ask({ url, method: "GET", isOnce: true }, async (answer) => listOf(await answer.json()), signal);
  }

  /** Undefined where the answer has no count. */
  async mark({ action, ids, body }: Mark): Promise<Count | undefined> {
    if (action !== "delete") {
      const url = below(this.#inbox, action);
      return this.#ask({ url, method: "POST", body: JSON.stringify(body) }, async (answer) => {
        const { unread, version } = await answer.json();
        return countOf({ count: unread, version });
      });
    }
    for (const id of ids) {
      await this.#ask({ url: below(this.#inbox, id), method: "DELETE" }, nothing).catch((thrown) => {
        // It is gone: another device was faster, or the first answer was lost.
        if (thrown.status !== 404) throw thrown;
      });
    }
    return undefined;
  }

  async preferences(signal: AbortSignal): Promise<Preferences> {
    const named = (name: "mute" | "follows", member: string) =>
      this.#ask({ url: below(this.#inbox, name), method: "GET" }, async (answer) => textsOf((await answer.json())?.[member]), signal);
    const [muted, follows] = await Promise.all([named("mute", "muted"), named("follows", "follows")]);
    return { muted, follows };
  }

  mute(kind: string, isOn: boolean): Promise<void> {
    return this.#ask({ url: below(this.#inbox, "mute", kind), method: isOn ? "PUT" : "DELETE" }, nothing);
  }

  follow(selector: string, isOn: boolean): Promise<void> {
    return this.#ask({ url: below(this.#inbox, "follows", ...segmentsOf(selector)), method: isOn ? "PUT" : "DELETE" }, nothing);
  }

  #ask<T>(request: Omit<Request, "headers">, read: (answer: Response) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const headers: Record<string, string> = { accept: "application/json" };
    if (request.body) headers["content-type"] = "application/json";
    // A mark outlives its page: a click on a link marks it and leaves the page.
    const all = { ...request, headers, isKept: request.method !== "GET" };
    return answered(core, all, { ...this.#access, signal, timeoutMs: this.#timeoutMs }, read);
  }
}

const nothing = async () => {};

function textsOf(value: unknown): readonly string[] {
  return isTexts(value) ? value : [];
}
