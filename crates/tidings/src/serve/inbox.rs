//! The inbox of each user, as the configuration asks for it.

use std::sync::Arc;

use tidings_core::{Hub, RetentionHold};
use tidings_http::SystemClock;
use tidings_inbox::{Inbox, InboxSettings, Location};
use tokio::time::timeout;

use crate::config::Config;
use crate::limits::{INBOX_START_WAIT_MAX, STORE_CLOSE_RESERVE};
use crate::terminal::failure::{Exit, Failure};

/// The name of the database in the directory of the log.
const DATABASE: &str = "inbox.db";

/// Starts it, if it is asked for.
pub(super) async fn start(
    config: &Config,
    hub: &Hub,
    hold: Option<Arc<RetentionHold>>,
) -> Result<Option<Inbox>, Failure> {
    if !config.inbox {
        return Ok(None);
    }
    let inbox = Inbox::start(hub.clone(), settings(config, hold), Arc::new(SystemClock)).await;
    let inbox = inbox.map_err(|error| {
        if error.is_passing() {
            return Failure::new(Exit::System, error.to_string())
                .hint("see that `inbox.db` can be read and written, and look at its disk");
        }
        Failure::new(Exit::Data, error.to_string())
            .hint("`inbox.db` can be removed: it is made anew from the log; without an inbox, start with --inbox=false")
    })?;
    // One that is made anew from a long log is waited for by nobody: events have nothing to do with it.
    let _ = timeout(INBOX_START_WAIT_MAX, inbox.ready()).await;
    Ok(Some(inbox))
}

/// Closes it in order. A database that is not is made good at the next start.
pub(super) async fn close(inbox: Option<Inbox>) {
    let Some(inbox) = inbox else { return };
    match timeout(STORE_CLOSE_RESERVE, inbox.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the database of the inbox was not closed in order"),
        Err(_) => tracing::warn!("the database of the inbox was not closed in time"),
    }
}

fn settings(config: &Config, hold: Option<Arc<RetentionHold>>) -> InboxSettings {
    InboxSettings {
        location: match config.memory {
            true => Location::Memory,
            false => Location::File(config.data.join(DATABASE)),
        },
        items_max: config.inbox_items_max as u64,
        unread_max: config.inbox_unread_max as u64,
        age_max: config.inbox_age,
        unread_age_max: config.inbox_unread_age,
        hold,
        ..InboxSettings::default()
    }
}
