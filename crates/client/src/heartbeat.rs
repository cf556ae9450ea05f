//! What a hub says of its heartbeat: the first comment of a stream, `: heartbeat 15000`.

use std::time::Duration;

use crate::limits::{HEARTBEAT_DEADLINE_MIN, HEARTBEAT_INTERVAL_MS_MAX};

/// How long after the last byte a stream counts as stalled, if the comment announces an interval.
///
/// Two heartbeats and a half: one may be late and one may be lost on a path that is about to recover.
pub(crate) fn deadline(comment: &str) -> Option<Duration> {
    let interval_ms: u64 = comment.trim().strip_prefix("heartbeat ")?.trim().parse().ok()?;
    if interval_ms == 0 || interval_ms > HEARTBEAT_INTERVAL_MS_MAX {
        return None;
    }
    Some(Duration::from_millis(interval_ms).mul_f64(2.5).max(HEARTBEAT_DEADLINE_MIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deadline_is_two_heartbeats_and_a_half() {
        assert_eq!(deadline(" heartbeat 15000"), Some(Duration::from_millis(37_500)));
        assert_eq!(deadline("heartbeat 15000"), Some(Duration::from_millis(37_500)));
    }

    #[test]
    fn a_tiny_interval_leads_to_a_second() {
        assert_eq!(deadline(" heartbeat 1"), Some(HEARTBEAT_DEADLINE_MIN));
    }

    #[test]
    fn what_is_no_announcement_announces_nothing() {
        for comment in [
            "",
            " heartbeat",
            " heartbeat ",
            " heartbeat x",
            " heartbeat 0",
            " heartbeat -5",
            " heartbeat 15000 ms",
            " heartbeats 15000",
            " keep-alive",
            " heartbeat 99999999999999999999",
            " heartbeat 18446744073709551615",
        ] {
            assert_eq!(deadline(comment), None, "{comment:?}");
        }
    }
}
