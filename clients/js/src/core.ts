// What files that are loaded later use of those that every page loads. It is handed to them: if they imported it, the bundler would put
// it into a file of its own, for which every page would have to wait.

import { fresh, isRenewable, show } from "./access.js";
import { absolute } from "./absolute.js";
import { carryByFetch } from "./carry.js";
import { delayOf } from "./delay.js";
import { TidingsEvent } from "./events.js";
import { Failure } from "./failure.js";
import { memoryOf, watchPage } from "./page.js";
import { failureOf } from "./refusal.js";
import { sourceOf } from "./source.js";

export const core = { absolute, carryByFetch, delayOf, Failure, failureOf, fresh, isRenewable, memoryOf, show, sourceOf, TidingsEvent, watchPage };

export type Core = typeof core;
