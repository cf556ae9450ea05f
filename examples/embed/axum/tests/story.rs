//! The story of ../../story, with axum.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

#[path = "../../story/mod.rs"]
mod story;

const PROGRAM: &str = env!("CARGO_BIN_EXE_embed-axum");
