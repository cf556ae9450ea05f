//! Who may ask for what: one decision about each request before it is handled, and what every answer says about who may
//! read it.
//!
//! | file | noun |
//! |---|---|
//! | `policy` | what must hold of a request; the table of routes gives each action a policy |
//! | `head` | the head of a request, beyond doubt |
//! | `decision` | the decision by policy, head and settings |
//! | `host`, `origin` | host and origin as types |
//! | `page`, `key`, `proxy` | the checks of the page that asks, of the publish key, and for a hub without a key |
//! | `advice` | what an operator can do for a page that is refused |
//! | `trace`, `range` | which headers are of a proxy, and a range of addresses, of proxies that are trusted |
//! | `client` | the address that a request comes from, through the proxies that are trusted |
//! | `settings`, `shown_proof` | where a request may show who sends it, and what it shows |
//! | `current_keys`, `key_lives` | the keys of now, which can be replaced; whether each is still taken |
//! | `cors` | the headers of every answer that tell browsers who may read it |
//! | `refusal_log`, `shown` | what the log says of refusals, and how a value of a request stands in a sentence |
//!
//! This folder knows neither the URLs nor the hub.

mod advice;
pub(crate) mod client;
pub(crate) mod cors;
pub(crate) mod current_keys;
pub(crate) mod decision;
pub(crate) mod frame;
pub(crate) mod head;
pub(crate) mod host;
mod key;
mod key_lives;
pub(crate) mod origin;
pub(crate) mod page;
pub(crate) mod policy;
mod proxy;
pub(crate) mod range;
pub(crate) mod refusal_log;
pub(crate) mod settings;
pub(crate) mod shown;
pub(crate) mod shown_proof;
mod trace;
