//! The clock of the hub beside time itself: a clock that was set far ahead is not taken at its word at once.
//!
//! What ends by a wrong clock does not come back, and what ends some minutes later does no harm.

use std::time::Duration;

use tidings_core::{Bounds, Clock, Hub, Query, Reading, Selector, Selectors, Start, UnixMillis};
use tokio::time::Instant;

use crate::limits::{CLOCK_JUMP_SECONDS, CLOCK_JUMP_WAIT_SECONDS, CLOCK_START_SECONDS};

/// Says what time it is, if the clock is taken at its word.
#[derive(Debug)]
pub(crate) struct WatchedClock {
    looked_at: Instant,
    told: UnixMillis,
    /// The clock was set ahead, and is taken at its word from then on.
    distrusted_until: Option<Instant>,
    /// What it told before that, and when.
    trusted: (Instant, UnixMillis),
}

impl WatchedClock {
    /// Begins with what the clock tells now, beside the newest event that the log had when the hub started, whose time the same clock told.
    /// What was published since has the time of a clock that may be wrong. Cancel safe.
    pub(crate) async fn begin(hub: &Hub, started: Bounds, clock: &dyn Clock) -> Self {
        let newest = newest_time(hub, started).await;
        let told = clock.now();
        let looked_at = Instant::now();
        let trusted = (looked_at, newest.unwrap_or(told));
        let mut watched = Self { looked_at, told, distrusted_until: None, trusted };
        let ahead =
            newest.map_or(Duration::MAX, |newest| Duration::from_millis(told.0.saturating_sub(newest.0)));
        if started.head.sequence > started.floor.sequence && ahead > Duration::from_secs(CLOCK_START_SECONDS)
        {
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
        if self.distrusted_until.is_none() {
            self.trusted = (self.looked_at, self.told);
        }
        (self.looked_at, self.told) = (instant, told);
        if self.is_as_before(told) {
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

    /// Whether it tells what it would if nobody had set it ahead. Set back by a part of that, it is as wrong as before.
    fn is_as_before(&self, told: UnixMillis) -> bool {
        let (instant, trusted) = self.trusted;
        let passed = u64::try_from((self.looked_at - instant).as_millis()).unwrap_or(u64::MAX);
        told.0 <= trusted.0.saturating_add(passed).saturating_add(CLOCK_JUMP_SECONDS * 1_000)
    }

    fn distrust(&mut self) {
        self.distrusted_until = Some(self.looked_at + Duration::from_secs(CLOCK_JUMP_WAIT_SECONDS));
    }
}

/// The time of the event at the head of the log; none if it cannot be read, and is no witness.
///
/// # Panics
///
/// Never: the texts are selectors.
#[expect(clippy::expect_used, reason = "constants that are selectors")]
async fn newest_time(hub: &Hub, Bounds { head, .. }: Bounds) -> Option<UnixMillis> {
    // A wildcard in the first segment matches no reserved topic.
    let texts = ["**", "inbox/**", "tidings/**"];
    let selectors = texts.map(|text| Selector::parse(text).expect("a constant selector is one"));
    let selectors = Selectors::new(selectors).expect("three selectors are not too many");
    let start = Start::After(head.at(head.sequence.previous()));
    let query = Query { start, selectors, events_max: 1, bytes_max: usize::MAX };
    match hub.read(query).await {
        Ok(Reading::Page(page)) => page.events.first().map(|event| event.time),
        Ok(Reading::Lost { .. }) | Err(_) => None,
    }
}
