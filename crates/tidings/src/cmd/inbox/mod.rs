//! `tidings inbox`: notifies users, and shows and marks what they have, by the inbox of a hub.
//!
//! | file | noun |
//! |---|---|
//! | `hub` | the hub that is asked, and what is said when it does not do it |
//! | `notify` | `tidings inbox notify` |
//! | `users` | whom it notifies |
//! | `list` | `tidings inbox list` |
//! | `shown` | an item as people read it |
//! | `mark` | `tidings inbox read` |
//! | `count` | `tidings inbox count` |

mod count;
mod hub;
mod list;
mod mark;
mod notify;
mod shown;
mod users;

use clap::Subcommand;

use crate::cli::{INBOX_COUNT, INBOX_LIST, INBOX_NOTIFY, INBOX_READ};
use crate::environment::Environment;
use crate::terminal::failure::Failure;
use crate::terminal::output::Color;

/// What to do with inboxes.
#[derive(Debug, Subcommand)]
pub(crate) enum InboxTask {
    /// Notify users
    #[command(long_about = INBOX_NOTIFY.0, after_long_help = INBOX_NOTIFY.1)]
    Notify(notify::NotifyArgs),
    /// Show the notifications of a user, the newest first
    #[command(long_about = INBOX_LIST.0, after_long_help = INBOX_LIST.1)]
    List(list::ListArgs),
    /// Mark notifications as read, unread, seen or archived
    #[command(long_about = INBOX_READ.0, after_long_help = INBOX_READ.1, visible_alias = "mark")]
    Read(mark::MarkArgs),
    /// Print how many notifications of a user are unread
    #[command(long_about = INBOX_COUNT.0, after_long_help = INBOX_COUNT.1)]
    Count(count::CountArgs),
}

/// Does what was asked for.
pub(crate) async fn run(task: &InboxTask, environment: &Environment, color: Color) -> Result<(), Failure> {
    match task {
        InboxTask::Notify(args) => notify::run(args, environment).await,
        InboxTask::List(args) => list::run(args, environment, color).await,
        InboxTask::Read(args) => mark::run(args, environment).await,
        InboxTask::Count(args) => count::run(args, environment, color).await,
    }
}
