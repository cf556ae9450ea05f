#![doc = include_str!("../README.md")]
//!
//! # The map
//!
//! In reading order, from what decides to what moves bytes:
//!
//! | file | what |
//! |---|---|
//! | `machine`, `backoff`, `heartbeat` | what to do next; pure, no clock and no socket |
//! | `event_source`, `item`, `opening`, `beginning`, `gap`, `partial`, `expired` | the stream that callers see; drives the machine |
//! | `config`, `token`, `with_time`, `written` | what can be set |
//! | `attempt`, `redirect`, `retry_after`, `problem` | from a request to an answer that is a stream, or to an error |
//! | `transport`, `connector`, `tls` | one request on one connection |
//! | `publisher`, `draft`, `atomic_batch` | the other direction |
//! | `inbox` | questions about the inboxes of users |
//! | `document` | a small document, fetched whole |
//! | `caller` | questions to a program of one's own, with a small answer |
//! | `probe` | questions to a server that is examined, over the version of HTTP that a browser speaks |
//! | `limits` | every bound, and the defaults of what can be set |

#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

mod atomic_batch;
mod attempt;
mod backoff;
mod beginning;
mod caller;
mod cause;
mod config;
mod connector;
mod document;
mod draft;
mod error;
mod event_source;
mod expired;
mod gap;
mod heartbeat;
mod inbox;
mod item;
mod limits;
mod machine;
mod opening;
mod partial;
mod probe;
mod problem;
mod publisher;
mod redirect;
mod retry_after;
mod said;
mod tls;
mod token;
mod transport;
mod with_time;
mod written;

pub use atomic_batch::{AtomicBatch, AtomicReceipt};
pub use beginning::Beginning;
pub use caller::{CallError, Caller};
pub use config::{ConfigError, EventSourceBuilder};
pub use document::{DocumentError, DocumentReader};
pub use draft::Draft;
pub use error::{BoxError, Error, Missing, Refusal};
pub use event_source::EventSource;
pub use expired::Expired;
pub use gap::{Gap, GapReason, PRESENCE_TYPE, RESERVED_TYPE_PREFIX};
pub use inbox::InboxQuestion;
pub use item::{Event, Item, Open, Reconnecting};
pub use machine::ReadyState;
pub use opening::Opening;
pub use partial::Partial;
pub use probe::{Offer, ProbeAnswer, ProbeConnection, Prober};
pub use problem::Problem;
pub use publisher::{BatchReceipt, HeldEvent, PublishError, Publisher, PublisherBuilder, Receipt, Target};
pub use redirect::{RedirectError, Redirected};
pub use tidings_sse::decode::Limits;
pub use tidings_sse::{EventIdError, EventTypeError};
pub use token::TokenNeed;
