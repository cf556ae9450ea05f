//! Stops 5 and 6 of the walk: the newest events, in memory, for readers that follow the log live.

pub mod encoding;
pub(crate) mod feed;
pub mod frame;
pub mod ring;
#[cfg(test)]
mod tests;
pub mod view;
pub(crate) mod window;

pub use encoding::{Encoding, InUse};
pub use frame::Frame;
pub use view::{Reach, View};
