//! The keeper: writes the records that time asks for. Items that end, old ones that leave, and states that the log is about to lose.
//!
//! The rules look at no clock, so what time does stands in the log as well, and all projections agree.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::OptionalExtension as _;
use tidings_core::UnixMillis;
use tokio::time::{Instant, sleep};

use crate::error::InboxError;
use crate::limits::{
    CLOCK_JUMP_SECONDS, CLOCK_JUMP_WAIT_SECONDS, KEEPER_LOOK_SECONDS, PRUNE_BUCKETS, PRUNE_LOOK_SECONDS,
    RETRY_WAIT,
};
use crate::record::Record;
use crate::shared::Shared;
use crate::writer::write;

/// Lets items end, for as long as the inbox is there. It is dropped with it.
pub(crate) async fn expire(shared: Arc<Shared>) {
    wait_until_ready(&shared).await;
    let mut watched = WatchedClock::new(&shared);
    // The time through which items have ended, as it was written last.
    let mut written = 0;
    loop {
        match end_items(&shared, &mut watched, &mut written).await {
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
pub(crate) async fn prune(shared: Arc<Shared>) {
    wait_until_ready(&shared).await;
    let mut watched = WatchedClock::new(&shared);
    for bucket in (0..PRUNE_BUCKETS).cycle() {
        if let Err(error) = prune_bucket(&shared, &mut watched, bucket).await {
            tracing::warn!(%error, "old items of the inbox cannot leave");
        }
        sleep(Duration::from_secs(PRUNE_LOOK_SECONDS)).await;
    }
}

/// Also again, when it is being made anew.
pub(crate) async fn wait_until_ready(shared: &Shared) {
    // An error says that the sender is gone, which is in the same place.
    let _ = shared.ready.subscribe().wait_for(|ready| *ready).await;
}

/// Writes that items end which are over. How long nothing ends then.
async fn end_items(
    shared: &Shared,
    watched: &mut WatchedClock,
    written: &mut u64,
) -> Result<Duration, InboxError> {
    wait_until_ready(shared).await;
    let look = Duration::from_secs(KEEPER_LOOK_SECONDS);
    let Some(now) = watched.now(shared) else { return Ok(look) };
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

async fn prune_bucket(shared: &Shared, watched: &mut WatchedClock, bucket: u16) -> Result<(), InboxError> {
    wait_until_ready(shared).await;
    let Some(now) = watched.now(shared) else { return Ok(()) };
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

/// The clock of the hub beside time itself: a clock that is set far ahead is not believed at once.
struct WatchedClock {
    looked_at: Instant,
    told: UnixMillis,
    /// The clock was set ahead, and is believed from then on.
    distrusted_until: Option<Instant>,
}

impl WatchedClock {
    fn new(shared: &Shared) -> Self {
        Self { looked_at: Instant::now(), told: shared.clock.now(), distrusted_until: None }
    }

    /// The time, if it is believed.
    fn now(&mut self, shared: &Shared) -> Option<UnixMillis> {
        let (instant, told) = (Instant::now(), shared.clock.now());
        let passed = instant - self.looked_at;
        let ahead = Duration::from_millis(told.0.saturating_sub(self.told.0)).saturating_sub(passed);
        let was_set_back = told.0 + CLOCK_JUMP_SECONDS * 1_000 < self.told.0;
        (self.looked_at, self.told) = (instant, told);
        if ahead > Duration::from_secs(CLOCK_JUMP_SECONDS) {
            let seconds = ahead.as_secs();
            tracing::warn!(
                seconds,
                "the clock was set ahead: notifications end by it when it has stood for {CLOCK_JUMP_WAIT_SECONDS} s"
            );
            self.distrusted_until = Some(instant + Duration::from_secs(CLOCK_JUMP_WAIT_SECONDS));
        }
        if was_set_back {
            self.distrusted_until = None;
        }
        match self.distrusted_until {
            Some(until) if until > instant => None,
            Some(_) | None => {
                self.distrusted_until = None;
                Some(told)
            }
        }
    }
}
