//! A wait before the next attempt, in words.

use std::time::Duration;

use tidings_client::PublishError;

use crate::terminal::chain::chain;

/// Why a publish waits, and how long.
pub(crate) fn again(error: &PublishError, wait: Duration) -> String {
    format!("{}; again in {}", chain(error), seconds(wait))
}

/// A wait, for people.
pub(super) fn seconds(wait: Duration) -> String {
    if wait < Duration::from_secs(1) {
        format!("{} ms", wait.as_millis())
    } else {
        format!("{:.1} s", wait.as_secs_f64())
    }
}
