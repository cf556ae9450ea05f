//! Who may publish what, and who may read what: what a request shows, and the answer to it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod authorizers;
mod bad_input;
mod cookies;
mod hub;
mod issuer_keys;
mod lines;
mod parts;
mod shown;
mod signed_urls;
#[path = "../support/mod.rs"]
mod support;
mod tickets;
