//! How long to wait after a failure: full jitter, doubling, between bounds.
//!
//! Knows neither what failed nor what time it is; chance comes in as a [`Roll`], so that tests choose it.

use std::time::Duration;

/// The bounds of a wait that the client chooses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    /// No wait is shorter: a server that says `retry: 0` and ends each answer makes no storm.
    pub(crate) floor: Duration,
    /// Doubling stops here. A server may ask for more.
    pub(crate) max: Duration,
}

/// A number from 0 to 1, drawn by chance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Roll(f64);

impl Roll {
    /// Draws.
    pub(crate) fn draw() -> Self {
        Self(fastrand::f64())
    }

    #[cfg(test)]
    pub(crate) const fn exactly(number: f64) -> Self {
        Self(number)
    }

    /// A place between two durations.
    fn between(self, low: Duration, high: Duration) -> Duration {
        let span = high.saturating_sub(low);
        // Not `mul_f64`, which panics where rounding passes the longest duration.
        let part = Duration::try_from_secs_f64(span.as_secs_f64() * self.0).unwrap_or(span);
        low.saturating_add(part)
    }
}

/// What a wait starts from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wait {
    /// The reconnection time: how wide the first window is.
    pub(crate) base: Duration,
    /// What the server asked to wait at the least.
    pub(crate) least: Duration,
    /// Failures in a row before this one; the window doubles with each.
    pub(crate) failures: u32,
}

impl Backoff {
    /// A wait between what the server asked for and the window, each moment in between as likely as any other.
    ///
    /// With a server's `retry` as both base and least, the first wait is exactly that: it is the server's way
    /// to pace its clients, and it knows better than chance.
    pub(crate) fn wait(self, wait: Wait, roll: Roll) -> Duration {
        let doubled = wait.base.max(self.floor).saturating_mul(2_u32.saturating_pow(wait.failures));
        roll.between(wait.least, doubled.min(self.max).max(wait.least)).max(self.floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { floor: Duration::from_millis(100), max: Duration::from_secs(30) };

    fn widest(base_ms: u64, least_ms: u64, failures: u32) -> Duration {
        let wait =
            Wait { base: Duration::from_millis(base_ms), least: Duration::from_millis(least_ms), failures };
        BACKOFF.wait(wait, Roll::exactly(1.0))
    }

    #[test]
    fn the_window_doubles_with_each_failure_up_to_its_bound() {
        let windows: Vec<u64> = (0..6).map(|failures| widest(1_000, 0, failures).as_secs()).collect();

        assert_eq!(windows, [1, 2, 4, 8, 16, 30]);
    }

    #[test]
    fn the_number_of_failures_cannot_overflow_the_window() {
        assert_eq!(widest(u64::MAX, 0, u32::MAX), BACKOFF.max);
    }

    #[test]
    fn a_bound_that_is_none_does_no_harm() {
        let boundless = Backoff { floor: Duration::ZERO, max: Duration::MAX };
        let wait = Wait { base: Duration::MAX, least: Duration::ZERO, failures: 40 };

        for roll in [0.0, 0.5, 1.0] {
            boundless.wait(wait, Roll::exactly(roll));
        }
    }

    #[test]
    fn jitter_is_full_but_never_under_the_floor() {
        let wait = Wait { base: Duration::from_secs(4), least: Duration::ZERO, failures: 0 };

        let waits = [0.0, 0.25, 1.0].map(|roll| BACKOFF.wait(wait, Roll::exactly(roll)).as_millis());

        assert_eq!(waits, [100, 1_000, 4_000]);
    }

    #[test]
    fn what_the_server_asks_for_is_exact_at_first_and_the_least_after_failures() {
        let retry = Duration::from_secs(10);
        let wait = |failures| Wait { base: retry, least: retry, failures };

        assert_eq!(BACKOFF.wait(wait(0), Roll::exactly(0.9)), retry);
        assert_eq!(BACKOFF.wait(wait(1), Roll::exactly(0.0)), retry);
        assert_eq!(BACKOFF.wait(wait(1), Roll::exactly(0.5)), Duration::from_secs(15));
    }

    #[test]
    fn a_server_may_ask_for_more_than_the_bound() {
        assert_eq!(widest(60_000, 60_000, 3), Duration::from_secs(60));
    }

    #[test]
    fn a_base_of_zero_still_doubles_from_the_floor() {
        assert_eq!([widest(0, 0, 0), widest(0, 0, 3)].map(|wait| wait.as_millis()), [100, 800]);
    }
}
