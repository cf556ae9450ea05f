//! What every stream does, whatever carries it.
//!
//! | file | noun |
//! |---|---|
//! | `machine` | the policy: what is due, and what to do about what befalls a stream |
//! | `ending` | why a stream ends |
//! | `expiry` | the end of what let a stream in |
//! | `encode` | events, gaps, heartbeats as bytes |
//! | `gzip` | the same bytes, compressed once for all who read them |
//! | `task` | a stream that the server carries: its driver, as a stream of bytes |
//! | `beside` | what such a stream is told beside its subscription |
//! | `metrics` | what was delivered, and why streams ended, counted |
//! | `drain` | the end of all streams, spread over a window of time |
//! | `permits` | how many streams there may be |
//! | `returns` | when subscribers come back that found no place |
//!
//! The other driver are the [lanes](crate::lane).

pub(crate) mod beside;
pub(crate) mod drain;
pub(crate) mod encode;
pub mod ending;
pub(crate) mod expiry;
pub(crate) mod gzip;
pub mod machine;
pub(crate) mod metrics;
pub(crate) mod permits;
pub(crate) mod returns;
pub(crate) mod task;

pub use encode::{Encoder, FirstBlock, FirstBytes, Opening, StreamFormat, Whereabouts};
pub(crate) use encode::{Heartbeat, Told};
pub use ending::Ending;
pub use gzip::{Coded, Sum};
