/** `/tidings-inbox.js`, as the hub serves it: the inbox, and `<tidings-inbox>`, which asks the hub that the script came from. */

import { TidingsInbox } from "./element/define.js";

export * from "./index.js";
export { InboxPanel } from "./element/panel.js";
export { TidingsInbox };

// The hub is the folder of this script.
TidingsInbox.hub = new URL(".", import.meta.url);
