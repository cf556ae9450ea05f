//! A store in a directory of files: one segmented log for all topics.
//!
//! In the order in which an event meets them:
//!
//! | module | does |
//! |---|---|
//! | `store` | the [`Store`](tidings_core::Store): hands appends to the writer, and reads to readers |
//! | `queue`, `gathering` | between publishers and the writer, and how long a sync waits for more of them |
//! | `writer`, `group` | places appends, writes them together, makes them durable, shows them, answers |
//! | `record`, `header` | an event, and the beginning of a segment, as bytes |
//! | `active`, `segment`, `log` | the newest segment, any segment, all of them |
//! | `index`, `seal` | where a topic, an id, a sequence is; in memory first, then in a file |
//! | `read` | from a query to a page |
//! | `keys`, `retire`, `held` | idempotency, retention, and how long that has been held |
//! | `ages`, `clock_watch` | how old events are, and that somebody has set the date |
//! | `space`, `condition` | how much room the disk has, and what is wrong with a store that goes on |
//! | `descriptors` | what is said when there is none for another file |
//! | `metrics` | how long it took, and how much it was |
//! | `holes`, `mend`, `scrub` | what cannot be read, how that is found out, and how it is looked for |
//! | `open`, `files`, `line`, `scan`, `recover`, `meta`, `lock`, `directory`, `content` | what is there at a start, and what a crash left of it |
//! | `offline` | tools for a directory that no hub of this process has |
//! | `disk`, `host` | the operating system, or a test in its place; few of many files are open |
//!
//! The bytes are described in `docs/file-format.md`.

mod active;
mod ages;
mod clock_watch;
mod condition;
mod config;
mod content;
mod descriptors;
mod directory;
mod disk;
mod ended;
mod fault;
mod files;
mod gathering;
mod group;
mod hash;
mod header;
mod held;
mod holes;
mod host;
mod index;
mod keys;
mod line;
mod lock;
mod log;
mod mend;
mod meta;
mod metrics;
mod names;
pub mod offline;
mod open;
mod open_error;
mod queue;
mod read;
mod record;
mod recover;
mod retire;
mod scan;
mod scrub;
mod seal;
mod segment;
mod space;
mod store;
#[cfg(test)]
mod trial;
mod writer;

pub use condition::Condition;
pub use config::{Durability, FileStoreConfig, FreeMin, Retention};
pub use disk::FreeSpace;
pub use metrics::StoreMetrics;
pub use open_error::OpenError;
pub use store::FileStore;
