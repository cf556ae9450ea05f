//! The three fields that are not data, as types that cannot hold what would break a line.
//!
//! Whoever has an [`EventType`] or an [`EventId`] can put it on the wire without looking at it again: the
//! constructors are the only door, and they refuse by value, never by panic.

mod event_id;
mod event_type;
mod retry;

pub use event_id::{EventId, EventIdError};
pub use event_type::{EventType, EventTypeError};
pub use retry::{Retry, RetryError};
