//! How long a publish is tried again while no answer comes or the answer is "not now", and how long it waits between two attempts.
//!
//! The bound is a time and not a number: what must be outlasted is a hub that restarts, and that takes its time, however often it is
//! asked.

use std::time::Duration;

use crate::backoff::{Backoff, Roll, Wait};
use crate::limits::{
    PUBLISH_GIVE_UP_AFTER_DEFAULT, PUBLISH_RETRY_WAIT, PUBLISH_RETRY_WAIT_MAX, PUBLISH_RETRY_WAIT_MIN,
};

/// The waits of a publisher.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// From the beginning of the first attempt to that of the last.
    pub(super) give_up_after: Duration,
}

/// What is known when an attempt has failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed {
    /// Time since the first attempt began.
    pub(super) elapsed: Duration,
    /// Attempts that failed before this one.
    pub(super) failures: u32,
    /// How long the server asks to stay away.
    pub(super) retry_after: Option<Duration>,
}

const BACKOFF: Backoff = Backoff { floor: PUBLISH_RETRY_WAIT_MIN, max: PUBLISH_RETRY_WAIT_MAX };

impl Default for Patience {
    fn default() -> Self {
        Self { give_up_after: PUBLISH_GIVE_UP_AFTER_DEFAULT }
    }
}

impl Patience {
    /// The wait before the next attempt; `None` if there is none. The last attempt begins when the time is over, unless the server
    /// has said that it will refuse that one, too.
    pub(super) fn wait(self, failed: Failed, roll: Roll) -> Option<Duration> {
        let left = self.give_up_after.saturating_sub(failed.elapsed);
        let asked = failed.retry_after.unwrap_or_default();
        if left.is_zero() || asked > left {
            return None;
        }
        let wait = Wait { base: PUBLISH_RETRY_WAIT, least: Duration::ZERO, failures: failed.failures };
        // Everybody who was refused has been told the same moment: come after it, but not all at once.
        Some(BACKOFF.wait(wait, roll).saturating_add(asked).min(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When each attempt begins, in seconds, if each fails at once.
    fn attempts(give_up_after: Duration, retry_after: Option<Duration>, roll: f64) -> Vec<f64> {
        let patience = Patience { give_up_after };
        let (mut begins, mut elapsed) = (vec![0.0], Duration::ZERO);
        for failures in 0..100 {
            let failed = Failed { elapsed, failures, retry_after };
            let Some(wait) = patience.wait(failed, Roll::exactly(roll)) else { break };
            elapsed += wait;
            begins.push(elapsed.as_secs_f64());
        }
        begins
    }

    #[test]
    fn attempts_go_on_until_the_time_is_over_and_the_last_begins_then() {
        let begins = attempts(Duration::from_secs(20), None, 1.0);

        assert_eq!(begins, [0.0, 0.2, 0.6, 1.4, 3.0, 6.2, 11.2, 16.2, 20.0]);
    }

    #[test]
    fn the_default_outlasts_a_restart_however_the_dice_fall() {
        for roll in [0.0, 0.5, 1.0] {
            let patience = Patience::default();
            let failed = |seconds| Failed {
                elapsed: Duration::from_secs(seconds),
                failures: 1_000,
                retry_after: None,
            };
            // The longest notice and drain of a hub that has its defaults take 30 s.
            assert!(patience.wait(failed(45), Roll::exactly(roll)).is_some(), "{roll}");
            assert!(patience.wait(failed(60), Roll::exactly(roll)).is_none(), "{roll}");
        }
    }

    #[test]
    fn what_the_server_asks_for_is_waited_for_if_there_is_time() {
        let minute = Duration::from_secs(60);

        assert_eq!(attempts(minute, Some(Duration::from_secs(25)), 1.0), [0.0, 25.2, 50.6]);
        assert_eq!(attempts(minute, Some(minute), 1.0), [0.0, 60.0]);
        assert_eq!(attempts(minute, Some(Duration::from_secs(61)), 1.0), [0.0]);
        assert_eq!(attempts(Duration::MAX, Some(Duration::from_secs(3_600)), 0.0).len(), 101);
    }

    #[test]
    fn without_patience_there_is_one_attempt() {
        assert_eq!(attempts(Duration::ZERO, None, 0.5), [0.0]);
    }
}
