//! An EventSource client.
#![allow(dead_code, reason = "stands until the walk is whole")]

mod backoff;
mod gap;
mod heartbeat;
mod machine;

pub use gap::{Gap, GapReason};
pub use machine::ReadyState;
