//! Stops 5 and 6 of the walk: the newest events, in memory, for those who follow the log live.

pub(crate) mod feed;
pub mod frame;
pub mod ring;
pub mod view;
pub(crate) mod window;

pub use frame::{Form, Frame};
pub use view::{Reach, View};
