//! When the subscribers come back that found no place: one after the other, so that a crowd which was turned away together
//! does not return together.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{RETURN_WAIT_MAX, RETURNS_PER_SECOND_MIN, RETURNS_SHARE};
use crate::stream::drain::delay;

/// The moments at which subscribers were told to come back.
#[derive(Debug)]
pub(crate) struct Returns {
    /// The time between two of them.
    apart: Duration,
    last: Mutex<Option<Instant>>,
}

impl Returns {
    /// For a hub that has places for so many streams.
    pub(crate) fn new(streams_max: usize) -> Self {
        let per_second = (streams_max / RETURNS_SHARE).max(RETURNS_PER_SECOND_MIN);
        Self {
            apart: Duration::from_secs(1) / u32::try_from(per_second).unwrap_or(u32::MAX),
            last: Mutex::default(),
        }
    }

    /// The delay for the next subscriber that is turned away: the usual one, with jitter, or as much longer as others come
    /// back before it. `share` is a number from 0 to 1.
    pub(crate) fn next(&self, usual: Duration, share: f64) -> Duration {
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now + delay(usual, share);
        let turn = last.map_or(earliest, |last| earliest.max(last + self.apart));
        let wait_max = RETURN_WAIT_MAX.max(2 * usual);
        if turn - now > wait_max {
            // More than can come one by one in that time: spread them over the second half of it.
            return wait_max.mul_f64(0.5 + share / 2.0);
        }
        *last = Some(turn);
        turn - now
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tokio::time::advance;

    use super::*;
    use crate::stream::drain::spread;

    const USUAL: Duration = Duration::from_secs(3);

    /// The delays of so many that are turned away in one moment.
    fn turned_away(returns: &Returns, count: u32) -> Vec<Duration> {
        (1..=count).map(|number| returns.next(USUAL, spread(number))).collect()
    }

    /// The most that come back in one second.
    fn crowd(delays: &[Duration]) -> usize {
        let mut seconds = BTreeMap::new();
        for delay in delays {
            *seconds.entry(delay.as_secs()).or_insert(0) += 1;
        }
        seconds.into_values().max().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_come_back_after_the_usual_delay_with_jitter() {
        let delays = turned_away(&Returns::new(10_000), 20);

        assert!(delays.iter().all(|delay| USUAL <= *delay && *delay <= 2 * USUAL), "{delays:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_comes_back_at_the_named_rate_however_large_it_is() {
        for (streams_max, count, per_second) in
            [(50, 3_000, 100), (50, 20_000, 100), (1_000_000, 100_000, 10_000)]
        {
            let delays = turned_away(&Returns::new(streams_max), count);

            assert!(crowd(&delays) <= per_second + 1, "{} of {count} in one second", crowd(&delays));
            let longest = delays.iter().max().unwrap().as_secs_f64();
            assert!(longest <= 6.0 + f64::from(count) / per_second as f64, "{longest} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_told_to_stay_away_for_longer_than_the_bound() {
        let delays = turned_away(&Returns::new(50), 100_000);

        assert!(delays.iter().all(|delay| *delay <= RETURN_WAIT_MAX));
        let late = delays.iter().filter(|delay| **delay >= RETURN_WAIT_MAX / 2).count();
        assert!(late > 70_000, "{late}");
        assert!(crowd(&delays[50_000..]) < 500);
    }

    #[tokio::test(start_paused = true)]
    async fn the_delay_is_the_usual_one_again_when_the_crowd_has_gone() {
        let returns = Returns::new(50);
        turned_away(&returns, 3_000);

        advance(Duration::from_secs(40)).await;

        assert!(returns.next(USUAL, 0.5) <= 2 * USUAL);
    }

    #[tokio::test(start_paused = true)]
    async fn a_usual_delay_above_the_bound_is_kept() {
        let usual = Duration::from_secs(3_600);

        let delay = Returns::new(50).next(usual, 0.5);

        assert_eq!(delay, usual.mul_f64(1.5));
    }
}
