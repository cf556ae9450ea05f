//! A wait before the next attempt, in words.

use std::time::Duration;

/// A wait, for people.
pub(super) fn seconds(wait: Duration) -> String {
    if wait < Duration::from_secs(1) {
        format!("{} ms", wait.as_millis())
    } else {
        format!("{:.1} s", wait.as_secs_f64())
    }
}
