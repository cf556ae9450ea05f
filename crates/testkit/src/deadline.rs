//! Waits of tests. Each ends, with what was waited for or with a failure that names it, so that no test hangs.
//!
//! The deadline is generous, because machines that run tests are busy: a test that works never meets it.

use std::fmt::Display;
use std::panic::Location;
use std::time::{Duration, Instant};

/// How long anything in a test may take before the test has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The same where tokio's clock is paused: it jumps over any wait, and what should end after an age may take long.
const VIRTUAL_PATIENCE: Duration = Duration::from_secs(3_600);

/// Waits for a future. `what` completes the sentence "waited 60s for ...".
///
/// # Panics
///
/// After [`PATIENCE`].
#[track_caller]
pub fn within<T>(what: impl Display, work: impl Future<Output = T>) -> impl Future<Output = T> {
    waited(PATIENCE, what, work, Location::caller())
}

/// Waits for a future in a test whose clock is paused.
///
/// # Panics
///
/// After an hour of that clock.
#[track_caller]
pub fn within_an_hour<T>(what: impl Display, work: impl Future<Output = T>) -> impl Future<Output = T> {
    waited(VIRTUAL_PATIENCE, what, work, Location::caller())
}

async fn waited<T>(
    patience: Duration,
    what: impl Display,
    work: impl Future<Output = T>,
    caller: &Location<'_>,
) -> T {
    let waited = tokio::time::timeout(patience, work).await;
    waited.unwrap_or_else(|_| panic!("waited {patience:?} for {what}, at {caller}"))
}

/// Waits until a condition is true, and lets other tasks run meanwhile.
///
/// # Panics
///
/// After [`PATIENCE`].
#[track_caller]
pub fn until(what: impl Display, condition: impl Fn() -> bool) -> impl Future<Output = ()> {
    within(what, async move {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
}

/// Waits until a condition is true, on a thread that may block.
///
/// # Panics
///
/// After [`PATIENCE`].
#[track_caller]
pub fn block_until(what: impl Display, mut condition: impl FnMut() -> bool) {
    let deadline = Deadline::new();
    while !condition() {
        deadline.check(&what);
        std::thread::yield_now();
    }
}

/// For loops on threads that may block, whose every turn ends but which might turn for ever.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// Begins to count.
    #[must_use]
    pub fn new() -> Self {
        Self(Instant::now() + PATIENCE)
    }

    /// What is left, for calls that take a timeout of their own; zero afterwards.
    pub fn left(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// To be called at every turn.
    ///
    /// # Panics
    ///
    /// After [`PATIENCE`].
    #[track_caller]
    pub fn check(&self, what: impl Display) {
        assert!(Instant::now() < self.0, "waited {PATIENCE:?} for {what}");
    }
}

impl Default for Deadline {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "waited 60s for the subscriber's first block, at ")]
    async fn a_wait_in_vain_fails_and_names_what_was_waited_for() {
        within("the subscriber's first block", std::future::pending::<()>()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_returns_what_came() {
        assert_eq!(within("a number", async { 7 }).await, 7);
    }

    #[tokio::test]
    async fn a_condition_that_becomes_true_ends_the_wait() {
        let turns = std::cell::Cell::new(0);

        until("ten turns", || {
            turns.set(turns.get() + 1);
            turns.get() == 10
        })
        .await;

        assert_eq!(turns.get(), 10);
    }
}
