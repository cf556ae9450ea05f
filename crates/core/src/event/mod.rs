//! What is published: topics, drafts, events, and their places in the log.

pub mod batch;
pub mod cursor;
pub mod draft;
#[allow(clippy::module_inception)]
pub mod event;
pub mod key;
pub mod line;
pub mod topic;

pub use batch::{BATCH_DIGEST_BYTES, BatchPart, BatchProgress};
pub use cursor::{Cursor, Epoch, Sequence};
pub use draft::{Draft, DraftError, DraftFields, DraftParts, check_id};
pub use event::{Clock, Event, UnixMillis};
pub use key::{IdempotencyKey, KeyFields};
pub use line::{EpochStatus, Line};
pub use topic::{Topic, TopicError};
