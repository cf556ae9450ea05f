//! The keeper: writes the records that time asks for. Items that end, old ones that leave, and states that the log is about to lose.
//!
//! The rules look at no clock, so what time does stands in the log as well, and all projections agree.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::OptionalExtension as _;
use tidings_core::UnixMillis;
use tokio::time::sleep;

use crate::error::InboxError;
use crate::limits::{KEEPER_LOOK_SECONDS, PRUNE_BUCKETS, PRUNE_LOOK_SECONDS, RETRY_WAIT};
use crate::record::Record;
use crate::shared::Shared;
use crate::watched::WatchedClock;
use crate::writer::write;

/// Runs for as long as the inbox is there. It is dropped with it.
pub(crate) async fn keep(shared: Arc<Shared>, watched: WatchedClock) {
    wait_until_ready(&shared).await;
    let watched = Mutex::new(watched);
    tokio::join!(expire(&shared, &watched), prune(&shared, &watched));
}

/// Lets items end.
async fn expire(shared: &Shared, watched: &Mutex<WatchedClock>) {
    // The time through which items have ended, as it was written last.
    let mut written = 0;
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
        if let Err(error) = prune_bucket(shared, watched, bucket).await {
            tracing::warn!(%error, "old items of the inbox cannot leave");
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

/// Writes that items end which are over. How long nothing ends then.
async fn end_items(
    shared: &Shared,
    watched: &Mutex<WatchedClock>,
    written: &mut u64,
) -> Result<Duration, InboxError> {
    wait_until_ready(shared).await;
    let look = Duration::from_secs(KEEPER_LOOK_SECONDS);
    let Some(now) = now(shared, watched) else { return Ok(look) };
    let next: Option<i64> = shared
        .readers
        .read(|connection| {
            let sql = "SELECT expires FROM items WHERE expires IS NOT NULL ORDER BY expires LIMIT 1";
            connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()
        })
        .await?;
    let Some(next) = next.map(i64::cast_unsigned) else { return Ok(look) };
    if next > now.0 {
        return Ok(look.min(Duration::from_millis(next - now.0)));
    }
    if next <= *written {
        // It was written before, and the database does not show it: not again at once.
        sleep(RETRY_WAIT).await;
    }
    write(shared, vec![Record::Expire { through: now.0 }]).await?;
    *written = now.0;
    Ok(Duration::ZERO)
}

async fn prune_bucket(shared: &Shared, watched: &Mutex<WatchedClock>, bucket: u16) -> Result<(), InboxError> {
    wait_until_ready(shared).await;
    let Some(now) = now(shared, watched) else { return Ok(()) };
    let before = |age: Option<Duration>| {
        let age = age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        age.map_or(0, |age| now.0.saturating_sub(age))
    };
    let (read_before, unread_before) =
        (before(shared.settings.age_max), before(shared.settings.unread_age_max));
    let is_due = shared
        .readers
        .read(move |connection| {
            let sql = "SELECT 1 FROM users JOIN items ON items.user = users.key
                 WHERE bucket = ?1 AND time < CASE WHEN flags & 2 = 0 THEN ?3 ELSE ?2 END LIMIT 1";
            let parameters = (bucket, read_before.cast_signed(), unread_before.cast_signed());
            connection.prepare_cached(sql)?.query_row(parameters, |_| Ok(())).optional()
        })
        .await?;
    if is_due.is_some() {
        write(shared, vec![Record::Prune { bucket, read_before, unread_before }]).await?;
    }
    Ok(())
}
