// Makes `<tidings-inbox>` known to the page: what a package imports.

import { defineInbox } from "./definition.js";
import { TidingsInbox } from "./element.js";

defineInbox();

export { TidingsInbox };
