//! EventSource for Rust, and a publisher.
#![allow(dead_code, reason = "stands until the walk is whole")]

mod attempt;
mod backoff;
mod config;
mod connector;
mod error;
mod event_source;
mod gap;
mod heartbeat;
mod item;
mod machine;
mod problem;
mod redirect;
mod retry_after;
mod tls;
mod token;
mod transport;

pub use config::{ConfigError, EventSourceBuilder};
pub use error::{BoxError, Error, Missing, Refusal};
pub use event_source::EventSource;
pub use gap::{Gap, GapReason};
pub use item::{Event, Item, Open, Reconnecting};
pub use machine::ReadyState;
pub use problem::Problem;
pub use redirect::RedirectError;
pub use token::TokenNeed;
