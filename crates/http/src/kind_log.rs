//! A log that tells each kind of thing once in a while, so that it stays short however often it happens.
//!
//! It decides when to tell and counts what it leaves out. What is told, and at which level, is for its owner.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When each kind was last told. There should be few kinds: it keeps all of them.
pub struct KindLog<K> {
    interval: Duration,
    kinds: Mutex<Vec<Told<K>>>,
}

struct Told<K> {
    kind: K,
    at: Instant,
    /// How many there were since then.
    left_out: u64,
}

impl<K: PartialEq> KindLog<K> {
    /// A log that tells of each kind at most once in an interval.
    pub fn new(interval: Duration) -> Self {
        Self { interval, kinds: Mutex::default() }
    }

    /// How many of the kind were left out since it was last told, if it is its turn to be told now.
    pub fn turn(&self, kind: K) -> Option<u64> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let Some(told) = kinds.iter_mut().find(|told| told.kind == kind) else {
            kinds.push(Told { kind, at: now, left_out: 0 });
            return Some(0);
        };
        if now.duration_since(told.at) < self.interval {
            told.left_out += 1;
            return None;
        }
        told.at = now;
        Some(std::mem::take(&mut told.left_out))
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
}
