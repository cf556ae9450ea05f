//! A rate, as the moment at which nothing of it is used any more. What is taken moves that moment on; if it is too far
//! ahead, no more is given.

use std::time::Duration;

use crate::limits::SHARE_BURST;

/// What is used of a rate. Its moments are nanoseconds from the beginning of the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Bucket {
    unused_from: u64,
}

const BURST: u64 = SHARE_BURST.as_nanos() as u64;

impl Bucket {
    /// Takes so many.
    pub(super) fn take(&mut self, now: u64, count: u64, rate: u64) {
        self.unused_from = self.unused_from.max(now).saturating_add(cost(count, rate));
    }

    /// How long it takes until so many can be taken. Zero if they can be taken now. What costs more than a burst can be taken when
    /// nothing is used.
    pub(super) fn wait(&self, now: u64, count: u64, rate: u64) -> Duration {
        let room = BURST.saturating_sub(cost(count, rate));
        Duration::from_nanos(self.unused_from.saturating_sub(now).saturating_sub(room))
    }

    pub(super) fn unused_from(&self) -> u64 {
        self.unused_from
    }
}

/// The time in which so many come at this rate.
fn cost(count: u64, rate: u64) -> u64 {
    let nanos = u128::from(count) * 1_000_000_000 / u128::from(rate.max(1));
    u64::try_from(nanos).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// How many can be taken now, one after the other.
    fn taken(bucket: &mut Bucket, now: u64, rate: u64) -> usize {
        std::iter::from_fn(|| bucket.wait(now, 1, rate).is_zero().then(|| bucket.take(now, 1, rate)))
            .take(1_000)
            .count()
    }

    #[test]
    fn a_burst_is_what_comes_in_five_seconds_and_then_it_is_the_rate() {
        let mut bucket = Bucket::default();

        assert_eq!(taken(&mut bucket, 0, 10), 50);
        assert_eq!(bucket.wait(0, 1, 10), Duration::from_millis(100));
        assert_eq!(taken(&mut bucket, SECOND, 10), 10);
        assert_eq!(taken(&mut bucket, 2 * SECOND, 10), 10);
        // What is not used in a long time does not add up.
        assert_eq!(taken(&mut bucket, 1_000 * SECOND, 10), 50);
    }

    #[test]
    fn what_is_larger_than_a_burst_is_let_in_once_and_paid_off() {
        let mut bucket = Bucket::default();

        assert!(bucket.wait(0, 1_000, 10).is_zero());
        bucket.take(0, 1_000, 10);

        assert_eq!(bucket.wait(0, 1, 10), Duration::from_millis(95_100));
        assert_eq!(bucket.wait(0, 1_000, 10), Duration::from_secs(100));
        assert!(bucket.wait(96 * SECOND, 1, 10).is_zero());
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let mut bucket = Bucket::default();
        for _ in 0..3 {
            bucket.take(u64::MAX, u64::MAX, 1);
        }
        assert_eq!(bucket.wait(0, u64::MAX, 1), Duration::from_nanos(u64::MAX));
    }
}
