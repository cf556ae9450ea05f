// What a page asks for once: loaded at the first call.

export { eventsOf, pagesOf } from "./history.js";
export { publish, publishAll } from "./publish.js";
