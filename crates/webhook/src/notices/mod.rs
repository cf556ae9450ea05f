//! Notices to a program of yours: which streams have begun and ended.
//!
//! Streams only note what happens; one future sends it, in batches, and again until it is taken. Every notice has an id, because a
//! batch whose answer was lost is sent again. A stream that ends and comes back soon is no notice.
//!
//! | file | what |
//! |---|---|
//! | `notices` | hears of streams, and sends what is to be told |
//! | `book` | who is there, who has just left, and what is to be told |
//! | `notice` | one notice, and a batch of them as JSON |
//! | `metrics` | what is counted |

mod book;
mod metrics;
mod notice;
#[allow(clippy::module_inception)]
mod notices;

pub use notices::Notices;
