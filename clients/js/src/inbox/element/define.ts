// Makes `<tidings-inbox>` known to the page. It may have been imported twice, from a hub and from a package.

import { TidingsInbox } from "./element.js";

const elements = globalThis.customElements;
if (elements && !elements.get("tidings-inbox")) elements.define("tidings-inbox", TidingsInbox);

export { TidingsInbox };
