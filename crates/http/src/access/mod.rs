//! Who may ask for what: one decision about each request before it is handled.
//!
//! The parts of that decision are the host that the request is for, the origin of the page that sent it, and the key
//! that it shows, whose name goes on to the handler. This folder knows neither the URLs nor the hub: the table of routes
//! says what each of them checks.
//! Beside the decision stand the CORS headers, which tell browsers how it will turn out.

pub(crate) mod cors;
pub(crate) mod credential;
pub(crate) mod decision;
mod host;
mod key;
mod origin;
