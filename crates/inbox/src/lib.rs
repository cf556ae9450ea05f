//! The inbox of each user of a hub: notifications that are stored, listed, marked and counted.
//!
//! Everything that happens is a record in the hub's log. The database is a projection of these records: the place that it has come to
//! changes in the same transaction as its rows, so each record counts once, whatever crashes when. A database that is lost is made
//! anew from the log.
//!
//! ```text
//!   write ---> record ---> log ---> follower ---> rules ---> rows of SQLite ---> lists, counts
//!     ^                                             |
//!     '------------- outcome <----------------------+---> effects ---> those who watch
//! ```
//!
//! | file | noun |
//! |---|---|
//! | `inbox` | what a program asks of it |
//! | `user`, `notification`, `item` | whose it is, what is told, what is kept of it |
//! | `record` | what happened, as the log holds it |
//! | `rules` | what each record does to the rows |
//! | `rows` | what the rules need of what keeps the inboxes |
//! | `sqlite` | the database |
//! | `projection` | the database and the place of the log that it goes up to |
//! | `follow`, `past` | follows the log, and reads again what stands before a state |
//! | `rebuild` | makes the database from a long log in bulk |
//! | `writer`, `key`, `progress` | writes records, once under an idempotency key, and waits for what comes of them |
//! | `effect`, `live`, `watch` | what has changed, and who is told |
//! | `keeper`, `watched` | items that end, and old ones that leave, by a clock that may be wrong |
//! | `carry` | states that are carried forward before retention takes what they came from |
//! | `counts` | numbers for operators |
//! | `limits`, `settings`, `error` | bounds, settings, errors |
//!
//! This crate knows no HTTP.

mod carry;
mod counts;
mod effect;
mod error;
mod follow;
mod inbox;
mod item;
mod keeper;
mod key;
pub mod limits;
mod live;
mod notification;
mod past;
mod progress;
mod projection;
mod rebuild;
mod record;
mod rows;
mod rules;
mod settings;
mod shared;
mod sqlite;
mod user;
mod watch;
mod watched;
mod writer;

pub use counts::InboxNumbers;
pub use effect::{Effect, Outcome, Shown, Unread};
pub use error::InboxError;
pub use inbox::{Changed, Inbox, Notified, NotifiedMany};
pub use item::{Flags, Item};
pub use key::CallKey;
pub use notification::{BadNotification, Notification, check_kind};
pub use record::{Keep, Mark, Which};
pub use settings::InboxSettings;
pub use sqlite::Location;
pub use sqlite::read::{ListRequest, Listed};
pub use user::{BadUser, User};
pub use watch::{Update, Watch};
