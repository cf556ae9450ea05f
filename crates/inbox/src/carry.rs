//! Carries the state of users forward in the log, before retention takes the records that it came from.
//!
//! Retention asks by a [`RetentionHold`]. A user's state needs the log from one sequence on; if retention wants more, the whole state
//! is written into the log again, and needs nothing before that. So what the log holds is enough to make the database anew, always.

use std::sync::Arc;

use tidings_core::{RetentionHold, Sequence};
use tokio::time::{Instant, sleep};

use crate::error::InboxError;
use crate::keeper::wait_until_ready;
use crate::limits::{CARRY_USERS, RETRY_WAIT};
use crate::shared::Shared;
use crate::sqlite::Location;
use crate::sqlite::state;
use crate::writer::{append, draft};

/// Lets events leave the log that no inbox needs any more, and sees to it that none needs them. Runs for as long as the inbox is there.
pub(crate) async fn carry(shared: Arc<Shared>) {
    let Some(hold) = shared.settings.hold.clone() else { return };
    let mut pause = Pause::default();
    loop {
        let through = hold.wanted().await;
        pause.over(&shared).await;
        if let Err(error) = prepare(&shared, &hold, through, &mut pause).await {
            tracing::warn!(%error, through = through.0, "the log keeps old events, since the inbox could not be carried forward");
            sleep(RETRY_WAIT).await;
        }
    }
}

/// The time after a round of carrying. Where the inboxes are larger than what retention keeps, retention wants more as soon as it was given
/// something, and each round would cause the next.
#[derive(Default)]
struct Pause {
    /// Bytes that the last round has written.
    carried: u64,
    /// Bytes that were published by its end, and when that was.
    ended: Option<(u64, Instant)>,
}

impl Pause {
    /// Waits until the log has grown by as much as the last round wrote, or for the longest pause. Cancel safe.
    async fn over(&self, shared: &Shared) {
        let Some((published, at)) = self.ended else { return };
        let ends_at = at + shared.settings.carry_pause_max;
        while shared.hub.metrics().published_bytes().saturating_sub(published) < self.carried
            && Instant::now() < ends_at
        {
            sleep(RETRY_WAIT).await;
        }
    }
}

async fn prepare(
    shared: &Shared,
    hold: &RetentionHold,
    through: Sequence,
    pause: &mut Pause,
) -> Result<(), InboxError> {
    wait_until_ready(shared).await;
    // A quiet inbox does not follow what it has no part in, unless it is asked.
    shared.ask_to_advance(through);
    shared.progress.noted(through).await.map_err(|_| InboxError::Stopped)?;
    // A log in memory and a database in memory end together.
    if matches!(shared.settings.location, Location::File(_)) {
        let carried = carry_through(shared, through).await?;
        *pause = Pause { carried, ended: Some((shared.hub.metrics().published_bytes(), Instant::now())) };
    }
    // The store has the records on the disk before it removes what they are made of.
    hold.release_through(through);
    Ok(())
}

/// Writes state records until no user's state needs an event up to a place. How many bytes these have.
async fn carry_through(shared: &Shared, through: Sequence) -> Result<u64, InboxError> {
    let mut bytes = 0;
    let mut before = Vec::new();
    loop {
        let users = shared.readers.read(move |connection| state::in_need(connection, through.0, CARRY_USERS));
        // A database that is made anew knows of nobody, and would let all go.
        let users = users.await?.ok_or(InboxError::NotReady)?;
        if users.is_empty() {
            return Ok(bytes);
        }
        if users == before {
            // The states were written, and the database does not show it.
            return Err(InboxError::NotReady);
        }
        before.clone_from(&users);
        let records = shared.readers.read(move |connection| state::records(connection, &users, through.0));
        let records = records.await?.ok_or(InboxError::NotReady)?;
        for records in records.into_iter().filter(|records| !records.is_empty()) {
            let drafts = records.iter().map(|record| draft(shared, record)).collect::<Result<Vec<_>, _>>()?;
            bytes += drafts.iter().map(|draft| draft.bytes() as u64).sum::<u64>();
            append(shared, drafts).await?;
        }
    }
}
