//! EventSource for Rust, and a publisher.

mod attempt;
mod backoff;
mod config;
mod connector;
mod draft;
mod error;
mod event_source;
mod gap;
mod heartbeat;
mod item;
mod machine;
mod problem;
mod publisher;
mod redirect;
mod retry_after;
mod tls;
mod token;
mod transport;

pub use config::{ConfigError, EventSourceBuilder};
pub use draft::Draft;
pub use error::{BoxError, Error, Missing, Refusal};
pub use event_source::EventSource;
pub use gap::{Gap, GapReason};
pub use item::{Event, Item, Open, Reconnecting};
pub use machine::ReadyState;
pub use problem::Problem;
pub use publisher::{BatchReceipt, PublishError, Publisher, PublisherBuilder, Receipt, Target};
pub use redirect::RedirectError;
pub use tidings_sse::decode::Limits;
pub use tidings_sse::{EventIdError, EventTypeError};
pub use token::TokenNeed;
