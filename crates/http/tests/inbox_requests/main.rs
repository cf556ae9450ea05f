//! The inbox over HTTP as JSON: the shape of what it answers, who may ask for what, bad input, and what many requests cost.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod access;
mod authorizers;
mod bad_input;
mod epochs;
mod hub;
mod keys;
mod paging;
mod room;
mod shape;
#[path = "../support/mod.rs"]
mod support;
