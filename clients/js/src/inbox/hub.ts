/** `/tidings-inbox.js`, as the hub serves it: the inbox, and `<tidings-inbox>`, which asks the hub that the script came from. */

import { defineInbox } from "./element/definition.js";
import { TidingsInbox } from "./element/element.js";

export * from "./index.js";
// For a page that has a bell of its own: the panel, its words, and what it looks like.
export { InboxPanel } from "./element/panel.js";
export { adopt as adoptInboxStyle } from "./element/style.js";
export { wordsOf as inboxWordsOf } from "./element/words.js";
export { TidingsInbox };

// The hub is the folder of this script. It is known before an element is one: else those that stand in the page already would ask, with their token,
// the server of the page.
TidingsInbox.hub = new URL(".", import.meta.url);
defineInbox();
