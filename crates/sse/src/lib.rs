//! The `text/event-stream` codec.
#![no_std]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod decode;
pub mod encode;
mod field;
mod scan;

pub use decode::Decoder;
pub use field::{EventId, EventIdError, EventType, EventTypeError, Retry, RetryError};
