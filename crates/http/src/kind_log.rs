//! A log that tells each kind of thing once in a while, so that it stays short however often it happens.
//!
//! It decides when to tell and counts what it leaves out. What is told, and at which level, is for its owner.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When each kind was last told. It looks at all kinds that it keeps: there should be few.
pub struct KindLog<K> {
    interval: Duration,
    kinds_max: usize,
    kinds: Mutex<Kinds<K>>,
}

struct Kinds<K> {
    told: Vec<Told<K>>,
    /// How many there were of kinds for which there was no place, since a line told of them.
    left_out: u64,
}

struct Told<K> {
    kind: K,
    at: Instant,
    /// How many there were since then.
    left_out: u64,
}

impl<K: PartialEq> KindLog<K> {
    /// A log that tells of each kind at most once in an interval. The kinds are few.
    pub fn new(interval: Duration) -> Self {
        Self::of_many(interval, usize::MAX)
    }

    /// The same for kinds that may be very many: in an interval it tells of the first so many of them.
    pub fn of_many(interval: Duration, kinds_max: usize) -> Self {
        let kinds = Kinds { told: Vec::new(), left_out: 0 };
        Self { interval, kinds_max, kinds: Mutex::new(kinds) }
    }

    /// How many of the kind were left out since it was last told, if it is its turn to be told now.
    pub fn turn(&self, kind: K) -> Option<u64> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let Kinds { told, left_out: beyond } = &mut *kinds;
        let is_due = |told: &Told<K>| now.duration_since(told.at) >= self.interval;
        if let Some(known) = told.iter_mut().find(|told| told.kind == kind) {
            if !is_due(known) {
                known.left_out += 1;
                return None;
            }
            known.at = now;
            return Some(std::mem::take(&mut known.left_out));
        }
        if told.len() < self.kinds_max {
            told.push(Told { kind, at: now, left_out: 0 });
            return Some(std::mem::take(beyond));
        }
        let Some(place) = told.iter_mut().find(|told| is_due(told)) else {
            *beyond += 1;
            return None;
        };
        let before = std::mem::replace(place, Told { kind, at: now, left_out: 0 });
        Some(before.left_out + std::mem::take(beyond))
    }
}

impl<K> fmt::Debug for KindLog<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KindLog").field("interval", &self.interval).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_kind_is_told_once_in_an_interval_with_the_number_that_was_left_out() {
        let interval = Duration::from_secs(10);
        let log = KindLog::new(interval);

        assert_eq!(log.turn('a'), Some(0));
        assert_eq!(log.turn('a'), None);
        assert_eq!(log.turn('a'), None);
        assert_eq!(log.turn('b'), Some(0));
        advance(interval).await;
        assert_eq!(log.turn('a'), Some(2));
        assert_eq!(log.turn('a'), None);
        advance(interval).await;
        assert_eq!(log.turn('a'), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_kinds_the_first_few_are_told_in_an_interval_and_all_that_are_left_out_are_counted_once()
    {
        let interval = Duration::from_secs(10);
        let log = KindLog::of_many(interval, 2);

        let told: u64 = (0..100).filter_map(|kind| log.turn(kind)).map(|left_out| left_out + 1).sum();
        assert_eq!(told, 2);
        assert_eq!(log.turn(0), None);
        advance(interval).await;
        assert_eq!(log.turn(50), Some(98 + 1));
        assert_eq!(log.turn(51), Some(0));
        assert_eq!(log.turn(0), None);
        assert_eq!(log.turn(50), None);
        advance(interval).await;
        assert_eq!(log.turn(50), Some(1));
        assert_eq!(log.turn(0), Some(1));
    }
}
