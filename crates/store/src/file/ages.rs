//! How old the events of a segment are: by the machine's uptime, which nobody sets, and by the date, which anybody can.
//!
//! What was written in this life is as old as the time that has passed since then, whatever the clock was set to. Of what was there before, the
//! start knows the date alone. A date may be wrong, so it is not enough to empty a log at once: what only the date says is too old leaves a
//! segment at a time.

use std::collections::VecDeque;
use std::time::Duration;

use tidings_core::{Clock, Sequence, UnixMillis};

use crate::limits::{AGE_DATE_PARTS, AGE_DATE_TIME_MAX, AGE_DATE_TIME_MIN, AGE_PARTS};

/// A look at both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Now {
    pub(crate) date: UnixMillis,
    pub(crate) uptime: Duration,
}

impl Now {
    pub(crate) fn of(clock: &dyn Clock) -> Self {
        Self { date: clock.now(), uptime: clock.uptime() }
    }

    fn is_past(&self, time: UnixMillis, age: Duration) -> bool {
        u128::from(self.date.0.saturating_sub(time.0)) > age.as_millis()
    }

    fn since(&self, uptime: Duration) -> Duration {
        self.uptime.saturating_sub(uptime)
    }
}

/// Which clock says that a segment is too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecidedBy {
    /// So much time has passed in this life.
    Uptime,
    /// The date, and the date that the events have.
    Date,
}

/// What is known of the ages of a log's segments.
pub(crate) struct Ages {
    age: Option<Duration>,
    /// When the store was opened.
    started: Duration,
    /// The segments that have events of this life, oldest first.
    written: VecDeque<Written>,
    /// From when on the date alone lets segments go, one after each `step`.
    paced_from: Duration,
    step: Duration,
}

/// When the events of a segment were written in this life.
struct Written {
    base: Sequence,
    first: Duration,
    last: Duration,
}

impl Ages {
    /// `ended` is the number of segments that may leave.
    pub(crate) fn new(age: Option<Duration>, now: Now, ended: usize) -> Self {
        let mut ages = Self {
            age,
            started: now.uptime,
            written: VecDeque::new(),
            paced_from: Duration::ZERO,
            step: Duration::ZERO,
        };
        ages.doubt(now, ended);
        ages
    }

    /// The date was set, or is seen for the first time: from now on it lets segments go one by one.
    pub(crate) fn doubt(&mut self, now: Now, ended: usize) {
        let age = self.age.unwrap_or_default();
        let whole = (age / AGE_DATE_PARTS).clamp(AGE_DATE_TIME_MIN, AGE_DATE_TIME_MAX);
        self.paced_from = now.uptime;
        self.step = whole / u32::try_from(ended.max(1)).unwrap_or(u32::MAX);
    }

    /// Events were written to a segment.
    pub(crate) fn wrote(&mut self, base: Sequence, now: Now) {
        match self.written.back_mut() {
            Some(written) if written.base == base => written.last = now.uptime,
            _ => self.written.push_back(Written { base, first: now.uptime, last: now.uptime }),
        }
    }

    /// A segment has left.
    pub(crate) fn left(&mut self, base: Sequence, by: Option<DecidedBy>) {
        while self.written.front().is_some_and(|written| written.base <= base) {
            self.written.pop_front();
        }
        if by == Some(DecidedBy::Date) {
            self.paced_from += self.step;
        }
    }

    /// Whether a segment should end although it is not full. `first` is the time of its first event.
    pub(crate) fn ends(&self, base: Sequence, first: UnixMillis, now: Now) -> bool {
        let Some(age) = self.age else { return false };
        let part = age / AGE_PARTS;
        match self.written(base) {
            // To end a segment early removes nothing, so here the date may say it, too.
            None => now.is_past(first, part) || now.since(self.started) > part,
            Some(written) => now.since(written.first) > part || now.since(written.last) > age,
        }
    }

    /// Which clock says that the last event of a segment is too old, if one does.
    pub(crate) fn too_old(&self, base: Sequence, last_time: UnixMillis, now: Now) -> Option<DecidedBy> {
        let age = self.age?;
        match self.written(base) {
            Some(written) => (now.since(written.last) > age).then_some(DecidedBy::Uptime),
            None if now.since(self.started) > age => Some(DecidedBy::Uptime),
            None => now.is_past(last_time, age).then_some(DecidedBy::Date),
        }
    }

    /// How many segments the date alone lets go now.
    pub(crate) fn by_date_now(&self, now: Now) -> u128 {
        now.since(self.paced_from).as_nanos() / self.step.as_nanos().max(1)
    }

    /// The time in which all segments leave that the date alone says are too old, if there are so many.
    pub(crate) fn by_date_time(&self, segments: usize) -> Duration {
        self.step.saturating_mul(u32::try_from(segments).unwrap_or(u32::MAX))
    }

    fn written(&self, base: Sequence) -> Option<&Written> {
        let at = self.written.binary_search_by_key(&base, |written| written.base).ok()?;
        self.written.get(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const WEEK: Duration = DAY.saturating_mul(7);
    /// The date at which the machine has run for no time.
    const START: UnixMillis = UnixMillis(1_700_000_000_000);

    /// So long after the start, while the date is ahead of it by so much.
    fn after(time: Duration, ahead: Duration) -> Now {
        Now { date: UnixMillis(START.0 + (time + ahead).as_millis() as u64), uptime: time }
    }

    fn ages(ended: usize) -> Ages {
        Ages::new(Some(WEEK), after(Duration::ZERO, Duration::ZERO), ended)
    }

    #[test]
    fn what_was_written_in_this_life_is_as_old_as_the_time_that_has_passed() {
        let mut ages = ages(0);
        // The date is ten years ahead for one event, and is right again.
        ages.wrote(Sequence(1), after(DAY, DAY * 3_650));
        let time_of_it = after(DAY, DAY * 3_650).date;

        let too_old = |time, ahead| ages.too_old(Sequence(1), time_of_it, after(time, ahead));

        assert_eq!(too_old(DAY * 2, DAY * 9_000), None);
        assert_eq!(too_old(DAY * 8, Duration::ZERO), None);
        assert_eq!(too_old(DAY * 8 + Duration::from_millis(1), Duration::ZERO), Some(DecidedBy::Uptime));
        assert!(!ages.ends(Sequence(1), time_of_it, after(DAY + WEEK / 8, Duration::ZERO)));
        assert!(ages.ends(Sequence(1), time_of_it, after(DAY + WEEK / 7, Duration::ZERO)));
    }

    #[test]
    fn what_was_there_before_is_at_least_as_old_as_this_life() {
        let ages = ages(3);
        let future = UnixMillis(START.0 * 2);

        let too_old = |time| ages.too_old(Sequence(1), future, after(time, Duration::ZERO));

        assert_eq!(too_old(WEEK), None);
        assert_eq!(too_old(WEEK + Duration::from_millis(1)), Some(DecidedBy::Uptime));
    }

    #[test]
    fn the_date_alone_lets_segments_go_one_by_one() {
        let mut ages = ages(7);
        let step = WEEK / 24 / 7;
        let now = |steps: u32| after(step * steps, DAY * 3_650);

        assert_eq!(ages.too_old(Sequence(1), START, now(0)), Some(DecidedBy::Date));
        assert_eq!([0, 1, 5].map(|steps| ages.by_date_now(now(steps))), [0, 1, 5]);
        ages.left(Sequence(1), Some(DecidedBy::Date));
        assert_eq!([0, 1, 5].map(|steps| ages.by_date_now(now(steps))), [0, 0, 4]);
        // Set again, it begins anew.
        ages.doubt(now(5), 6);
        assert_eq!([5, 6, 7].map(|steps| ages.by_date_now(now(steps))), [0, 0, 1]);
    }
}
