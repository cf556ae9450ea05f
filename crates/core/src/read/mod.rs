//! Stop 7 of the walk: reading the log from a place on.
//!
//! | file | does |
//! |---|---|
//! | `locate` | finds the place at which a request begins, and the gap before it |
//! | `follower` | catches up from there and follows: a machine that reads nothing itself |
//! | `subscription` | drives a follower in a task |
//! | `next_page` | finds what comes next for a follower that the rings have left behind |
//! | `history` | drives one for a single page |
//! | `gap` | what a reader is told when events are gone |

pub mod follower;
#[cfg(test)]
mod follower_tests;
pub mod gap;
pub mod history;
pub mod locate;
pub mod next_page;
pub mod subscription;

pub use follower::{Delivery, Follower, Needs, Step};
pub use gap::{Gap, Lost, OnGap};
pub use history::History;
pub use locate::{Located, Partial, Position, Request};
pub use subscription::{Opened, SubscribeError, Subscription, Upcoming};
