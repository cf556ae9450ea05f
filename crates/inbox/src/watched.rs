//! The clock of the hub beside time itself: a clock that was set far ahead is not taken at its word at once.
//!
//! What ends by a wrong clock does not come back, and what ends some minutes later does no harm.

use std::time::Duration;

use tidings_core::{Hub, Query, Reading, Selector, Selectors, Start, StoreError, UnixMillis};
use tokio::time::Instant;

use crate::limits::{CLOCK_JUMP_SECONDS, CLOCK_JUMP_WAIT_SECONDS, CLOCK_START_SECONDS};

/// Says what time it is, if the clock is taken at its word.
#[derive(Debug)]
pub(crate) struct WatchedClock {
    looked_at: Instant,
    told: UnixMillis,
    /// The clock was set ahead, and is taken at its word from then on.
    distrusted_until: Option<Instant>,
}

impl WatchedClock {
    /// Begins with what the clock tells now, beside the newest event of the log, whose time the same clock told. Call it before anything is
    /// published, which would have the time of a wrong clock.
    pub(crate) async fn begin(hub: &Hub, told: UnixMillis) -> Self {
        let mut watched = Self { looked_at: Instant::now(), told, distrusted_until: None };
        let ahead = match newest_time(hub).await {
            Ok(Some(newest)) => Duration::from_millis(told.0.saturating_sub(newest.0)),
            // Nothing is there that could end.
            Ok(None) => Duration::ZERO,
            Err(error) => {
                tracing::warn!(%error, "the newest event of the log cannot be read, to compare the clock with it");
                Duration::MAX
            }
        };
        if ahead > Duration::from_secs(CLOCK_START_SECONDS) {
            tracing::warn!(
                ahead_seconds = ahead.as_secs(),
                "the clock is far ahead of the newest event of the log: notifications expire and leave by it in {CLOCK_JUMP_WAIT_SECONDS} s, if it stands until then"
            );
            watched.distrust();
        }
        watched
    }

    /// The time that the clock tells now, if it is taken at its word.
    pub(crate) fn now(&mut self, told: UnixMillis) -> Option<UnixMillis> {
        let instant = Instant::now();
        let passed = instant - self.looked_at;
        let ahead = Duration::from_millis(told.0.saturating_sub(self.told.0)).saturating_sub(passed);
        let was_set_back = told.0.saturating_add(CLOCK_JUMP_SECONDS * 1_000) < self.told.0;
        (self.looked_at, self.told) = (instant, told);
        if was_set_back {
            self.distrusted_until = None;
        }
        if ahead > Duration::from_secs(CLOCK_JUMP_SECONDS) {
            tracing::warn!(
                seconds = ahead.as_secs(),
                "the clock was set ahead: notifications expire and leave by it when it has stood for {CLOCK_JUMP_WAIT_SECONDS} s"
            );
            self.distrust();
        }
        if self.distrusted_until.is_some_and(|until| until > instant) {
            return None;
        }
        self.distrusted_until = None;
        Some(told)
    }

    fn distrust(&mut self) {
        self.distrusted_until = Some(self.looked_at + Duration::from_secs(CLOCK_JUMP_WAIT_SECONDS));
    }
}

/// The time of the newest event of the log; none if the log holds none.
///
/// # Panics
///
/// Never: the texts are selectors.
#[expect(clippy::expect_used, reason = "constants that are selectors")]
async fn newest_time(hub: &Hub) -> Result<Option<UnixMillis>, StoreError> {
    // A wildcard in the first segment matches no reserved topic.
    let texts = ["**", "inbox/**", "tidings/**"];
    let selectors = texts.map(|text| Selector::parse(text).expect("a constant selector is one"));
    let selectors = Selectors::new(selectors).expect("three selectors are not too many");
    let query = Query { start: Start::Last(1), selectors, events_max: 1, bytes_max: usize::MAX };
    Ok(match hub.read(query).await? {
        Reading::Page(page) => page.events.last().map(|event| event.time),
        Reading::Lost { .. } => None,
    })
}
