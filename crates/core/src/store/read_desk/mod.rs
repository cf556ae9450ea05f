//! Readings in slices, off the async threads: for stores whose readings may be large.
//!
//! Which reading will be large cannot be told from its query. So each runs in slices, and the one with the least work so far
//! goes first.
//!
//! | file | does |
//! |---|---|
//! | `desk` | takes readings in, and runs them on a few threads |
//! | `turns` | says whose turn it is, and which one has to end because too many have begun |
//! | `meter` | counts the work of a reading, and says where it pauses and where it ends |
//! | `comparisons` | counts comparisons with patterns, until they are a unit of work |

mod comparisons;
mod desk;
mod meter;
mod turns;

pub use comparisons::Comparisons;
pub use desk::{Desk, HandedIn, Search, Sharing, Thread};
pub use meter::Meter;
pub use turns::Begun;
