#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod decode;
pub mod encode;
mod field;
mod scan;

pub use decode::Decoder;
pub use field::{EventId, EventIdError, EventType, EventTypeError, Retry, RetryError};
