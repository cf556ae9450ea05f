//! The keeper: writes the records that time asks for. Items that end, old ones that leave, and states that the log is about to lose.
//!
//! The rules look at no clock, so what time does stands in the log as well, and all projections agree.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidings_core::{Bounds, UnixMillis};
use tokio::time::sleep;

use crate::error::InboxError;
use crate::limits::{KEEPER_LOOK_SECONDS, KEEPER_USERS_BYTES, PRUNE_BUCKETS, PRUNE_LOOK_SECONDS, RETRY_WAIT};
use crate::shared::Shared;
use crate::sqlite::due::{self, AtMost, Ending};
use crate::watched::WatchedClock;
use crate::writer::write;

/// Runs for as long as the inbox is there. It is dropped with it.
pub(crate) async fn keep(shared: Arc<Shared>, started: Bounds) {
    wait_until_ready(&shared).await;
    let watched = Mutex::new(WatchedClock::begin(&shared.hub, started, &*shared.clock).await);
    tokio::join!(expire(&shared, &watched), prune(&shared, &watched));
}

/// Lets items end.
async fn expire(shared: &Shared, watched: &Mutex<WatchedClock>) {
    // The first of the items that the last record was about.
    let mut written = None;
    loop {
        match end_items(shared, watched, &mut written).await {
            Ok(wait) => tokio::select! {
                () = sleep(wait) => {}
                () = shared.expiry.notified() => {}
            },
            Err(error) => {
                tracing::warn!(%error, "items of the inbox cannot end at their time");
                sleep(RETRY_WAIT).await;
            }
        }
    }
}

/// Lets old items leave.
async fn prune(shared: &Shared, watched: &Mutex<WatchedClock>) {
    for bucket in (0..PRUNE_BUCKETS).cycle() {
        loop {
            match prune_bucket(shared, watched, bucket).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "old items of the inbox cannot leave");
                    break;
                }
            }
        }
        sleep(Duration::from_secs(PRUNE_LOOK_SECONDS)).await;
    }
}

/// The time, if the clock is taken at its word.
fn now(shared: &Shared, watched: &Mutex<WatchedClock>) -> Option<UnixMillis> {
    watched.lock().unwrap_or_else(PoisonError::into_inner).now(shared.clock.now())
}

/// Also again, when it is being made anew.
pub(crate) async fn wait_until_ready(shared: &Shared) {
    // An error says that the sender is gone, which is in the same place.
    let _ = shared.ready.subscribe().wait_for(|ready| *ready).await;
}

/// Writes that items end which are over, at most so many. How long nothing ends then.
async fn end_items(
    shared: &Shared,
    watched: &Mutex<WatchedClock>,
    written: &mut Option<due::First>,
) -> Result<Duration, InboxError> {
    wait_until_ready(shared).await;
    let look = Duration::from_secs(KEEPER_LOOK_SECONDS);
    let Some(now) = now(shared, watched) else { return Ok(look) };
    let names_bytes = KEEPER_USERS_BYTES.min(shared.hub.limits().event_bytes_max.saturating_sub(100));
    let at_most = AtMost { items: shared.settings.keeper_items_max, names_bytes };
    let ending = shared.readers.read(move |connection| due::ending(connection, now, at_most));
    let (first, record) = match ending.await? {
        Ending::Never => return Ok(look),
        Ending::At(next) => return Ok(look.min(Duration::from_millis(next.0.saturating_sub(now.0)))),
        Ending::Now { first, record } => (first, record),
    };
    if written.as_ref() == Some(&first) {
        // It was written before, and the database does not show it: not again at once.
        sleep(RETRY_WAIT).await;
    }
    // Also if the database does not come to it in time: then it is in the log all the same.
    *written = Some(first);
    write(shared, vec![record]).await?;
    Ok(Duration::ZERO)
}

/// Writes that old items of a bucket leave, at most so many. Whether there may be more.
async fn prune_bucket(
    shared: &Shared,
    watched: &Mutex<WatchedClock>,
    bucket: u16,
) -> Result<bool, InboxError> {
    wait_until_ready(shared).await;
    let Some(now) = now(shared, watched) else { return Ok(false) };
    // What time nothing is older than, if it is kept for ever.
    let before = |age: Option<Duration>| {
        let age = age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        age.map_or(0, |age| now.0.saturating_sub(age))
    };
    let before = (before(shared.settings.age_max), before(shared.settings.unread_age_max));
    let items_max = shared.settings.keeper_items_max;
    let leaving = shared.readers.read(move |connection| due::leaving(connection, bucket, before, items_max));
    let Some((record, is_part)) = leaving.await? else { return Ok(false) };
    write(shared, vec![record]).await?;
    Ok(is_part)
}
