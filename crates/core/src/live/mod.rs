//! Stops 5 and 6 of the walk: the newest events, in memory, for readers that follow the log live.

pub mod encoding;
pub(crate) mod feed;
pub mod frame;
pub(crate) mod frames;
pub(crate) mod news;
#[cfg(test)]
mod pattern_tests;
pub(crate) mod patterns;
pub mod ring;
pub(crate) mod rings;
pub(crate) mod scan;
#[cfg(test)]
mod tests;
pub mod view;
pub(crate) mod watchers;
pub(crate) mod window;

pub use encoding::{Encoding, InUse};
pub use frame::Frame;
pub use view::{Reach, View};
