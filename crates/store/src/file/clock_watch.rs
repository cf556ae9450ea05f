//! Sees that the date was set: it moves against the uptime of the machine, which nobody sets.

use std::time::Duration;

use tidings_core::UnixMillis;

use super::ages::Now;
use crate::limits::{CLOCK_JUMP_MIN, CLOCK_WARN_EVERY, CLOCK_WARNINGS_MAX};

/// Compares the two clocks at each look.
pub(crate) struct ClockWatch {
    /// The date less the uptime, in milliseconds, as it was when the date was last set.
    offset: i128,
    /// When the first jump of some was told, by the uptime; how many were told since then; and how many there were since the last of these.
    told_from: Option<Duration>,
    told: u32,
    untold: u32,
}

/// The date was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Jump {
    direction: &'static str,
    by: Duration,
    /// How many jumps are to be told of now: not each of many.
    tell: Option<u32>,
}

impl ClockWatch {
    pub(crate) fn new(now: Now) -> Self {
        Self { offset: offset(now), told_from: None, told: 0, untold: 0 }
    }

    /// Compares the clocks. Small steps add up, and time that the date is made to catch up slowly moves the uptime as well.
    pub(crate) fn look(&mut self, now: Now) -> Option<Jump> {
        let moved = offset(now) - self.offset;
        let by = Duration::from_millis(u64::try_from(moved.unsigned_abs()).unwrap_or(u64::MAX));
        if by <= CLOCK_JUMP_MIN {
            return None;
        }
        self.offset = offset(now);
        self.untold = self.untold.saturating_add(1);
        if self.told_from.is_none_or(|from| now.uptime.saturating_sub(from) >= CLOCK_WARN_EVERY) {
            (self.told_from, self.told) = (Some(now.uptime), 0);
        }
        let is_told = self.told < CLOCK_WARNINGS_MAX;
        self.told += u32::from(is_told);
        let tell = is_told.then(|| std::mem::take(&mut self.untold));
        Some(Jump { direction: if moved > 0 { "forward" } else { "back" }, by, tell })
    }
}

impl Jump {
    /// Says it, if it is time.
    pub(crate) fn tell(&self) {
        let Some(jumps) = self.tell else { return };
        tracing::warn!(
            jumps,
            seconds = self.by.as_secs(),
            "the clock of the machine was set {}: new events have the time that it shows, or that of the event before if that is later; \
             for retention_age the uptime of the machine counts, and what only the date says is too old leaves little by little",
            self.direction
        );
    }
}

/// Says so if a start finds the date behind the newest event.
pub(crate) fn tell_start(last_time: UnixMillis, now: Now) {
    let behind = Duration::from_millis(last_time.0.saturating_sub(now.date.0));
    if behind > CLOCK_JUMP_MIN {
        tracing::warn!(
            seconds = behind.as_secs(),
            "the clock of the machine is behind the newest event of the log; one of them is wrong: until the clock has passed it, new events \
             have the time of that one, and for retention_age the uptime of the machine counts, from this start on"
        );
    }
}

fn offset(now: Now) -> i128 {
    i128::from(now.date.0) - i128::try_from(now.uptime.as_millis()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(date: u64, uptime: u64) -> Now {
        Now { date: UnixMillis(date), uptime: Duration::from_millis(uptime) }
    }

    #[test]
    fn a_jump_of_more_than_a_minute_is_seen_in_both_directions() {
        let mut watch = ClockWatch::new(now(1_000_000, 0));

        // A machine that slept, or was idle, for a day.
        assert_eq!(watch.look(now(87_400_000, 86_400_000)), None);
        assert_eq!(watch.look(now(87_460_000, 86_400_000)), None);
        let forward = watch.look(now(87_460_001, 86_400_000)).unwrap();
        assert_eq!((forward.direction, forward.by.as_millis(), forward.tell), ("forward", 60_001, Some(1)));
        assert_eq!(watch.look(now(87_460_001, 86_400_000)), None);
        let back = watch.look(now(0, 86_400_000)).unwrap();
        assert_eq!((back.direction, back.by.as_millis()), ("back", 87_460_001));
    }

    #[test]
    fn a_clock_that_is_set_again_and_again_is_told_of_once_in_a_while() {
        let mut watch = ClockWatch::new(now(0, 0));
        let every = CLOCK_WARN_EVERY.as_millis() as u64;

        let told: Vec<_> = (0..10)
            .map(|look| {
                let uptime = look * every / 8;
                watch.look(now(uptime + (look + 1) * 100_000, uptime)).unwrap().tell
            })
            .collect();

        let one = Some(1);
        assert_eq!(told, [one, one, one, one, None, None, None, None, Some(5), one]);
    }
}
