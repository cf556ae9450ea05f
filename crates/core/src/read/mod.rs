//! Stop 7 of the walk: reading the log from a place on.

pub mod follower;
pub mod gap;
pub mod locate;

pub use follower::{Delivery, Subscription};
pub use gap::{Gap, Lost, OnGap};
pub use locate::{History, Opened, Position, Request};
