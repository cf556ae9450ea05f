// How the page comes to know `<tidings-inbox>`. It may have been imported twice, from a hub and from a package.

import { TidingsInbox } from "./element.js";

/** From here on the elements that stand in the page are inboxes, too: what they need must be known before. */
export function defineInbox(): void {
  const elements = globalThis.customElements;
  if (elements && !elements.get("tidings-inbox")) elements.define("tidings-inbox", TidingsInbox);
}
