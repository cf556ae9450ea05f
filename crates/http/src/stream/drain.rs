//! The drain: subscribers are sent away over a window of time, not all at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Whether the hub is ending, and when whose turn is. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Drain {
    begun: Arc<watch::Sender<Option<DrainWindow>>>,
    shares: Arc<AtomicU32>,
}

#[derive(Debug, Clone, Copy)]
struct DrainWindow {
    from: Instant,
    length: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self { begun: Arc::new(watch::Sender::new(None)), shares: Arc::default() }
    }
}

impl Drain {
    pub(crate) fn begin(&self, length: Duration) {
        let window = DrainWindow { from: Instant::now(), length };
        self.begun.send_if_modified(|begun| {
            let first = begun.is_none();
            // A drain that began again would never end.
            begun.get_or_insert(window);
            first
        });
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.begun.borrow().is_some()
    }

    /// Waits until the drain begins.
    pub(crate) async fn begun(&self) {
        self.window().await;
    }

    /// When it began, and over which time subscribers are sent away.
    pub(crate) fn window_now(&self) -> Option<(Instant, Duration)> {
        self.begun.borrow().map(|window| (window.from, window.length))
    }

    /// Waits until the drain has lasted so long.
    pub(crate) async fn overdue(&self, wait_max: Duration) {
        let window = self.window().await;
        sleep_until(window.from + wait_max).await;
    }

    /// The next share of one: evenly spread, however many there are.
    pub(crate) fn share(&self) -> f64 {
        spread(self.shares.fetch_add(1, Ordering::Relaxed))
    }

    /// A delay before coming back.
    pub(crate) fn delay(&self, usual: Duration) -> Duration {
        delay(usual, self.share())
    }

    async fn window(&self) -> DrainWindow {
        let mut begun = self.begun.subscribe();
        loop {
            if let Some(window) = *begun.borrow_and_update() {
                return window;
            }
            // The sender lives as long as `self`.
            if begun.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// A share of one for each number, such that however many numbers there are, their shares are spread evenly:
/// multiples of the golden ratio are as far from each other as can be.
pub(crate) fn spread(number: u32) -> f64 {
    f64::from(number.wrapping_mul(2_654_435_769)) / f64::from(u32::MAX)
}

/// A delay before coming back, from once to twice the usual one, so that clients which were sent away together do
/// not come back together.
pub(crate) fn delay(usual: Duration, share: f64) -> Duration {
    usual.mul_f64(1.0 + share)
}
