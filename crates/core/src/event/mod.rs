//! What is published: topics, drafts, events, and their places in the log.

pub mod cursor;
pub mod draft;
#[allow(clippy::module_inception)]
pub mod event;
pub mod line;
pub mod topic;

pub use cursor::{Cursor, Epoch, Sequence};
pub use draft::{Draft, DraftError, DraftFields, DraftParts, IdempotencyKey};
pub use event::{Clock, Event, UnixMillis};
pub use line::{EpochStatus, Line};
pub use topic::{Topic, TopicError};
