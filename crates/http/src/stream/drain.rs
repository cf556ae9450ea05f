//! The end of the hub: a notice, in which it says that it will end and answers as ever, and then the drain, in which
//! subscribers are sent away over a window of time, not all at once.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Whether the hub is ending, and when whose turn is. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Drain(Arc<DrainParts>);

#[derive(Debug)]
struct DrainParts {
    notice: OnceLock<Notice>,
    begun: watch::Sender<Option<DrainWindow>>,
    shares: AtomicU32,
}

#[derive(Debug, Clone, Copy)]
struct Notice {
    from: Instant,
    until: Instant,
}

#[derive(Debug, Clone, Copy)]
struct DrainWindow {
    from: Instant,
    length: Duration,
}

impl Default for DrainParts {
    fn default() -> Self {
        Self { notice: OnceLock::new(), begun: watch::Sender::new(None), shares: AtomicU32::default() }
    }
}

impl Drain {
    /// Gives notice of the drain, unless that has been done or the drain has begun.
    pub(crate) fn give_notice(&self, length: Duration) {
        if !length.is_zero() && !self.has_begun() {
            let from = Instant::now();
            self.0.notice.get_or_init(|| Notice { from, until: from + length });
        }
    }

    /// Waits until the notice has lasted its time, or the drain begins. Does not wait where no notice was given.
    pub(crate) async fn notice_over(&self) {
        let Some(notice) = self.0.notice.get() else { return };
        tokio::select! {
            () = sleep_until(notice.until) => {}
            () = self.begun() => {}
        }
    }

    /// Whether a notice was given and the drain has not begun.
    pub(crate) fn is_giving_notice(&self) -> bool {
        self.0.notice.get().is_some() && !self.has_begun()
    }

    /// Whether the hub will end or is ending: it takes no subscriber any more, and keeps no connection for another request.
    pub(crate) fn is_ending(&self) -> bool {
        self.0.notice.get().is_some() || self.has_begun()
    }

    /// When the hub was asked to end, if it gave notice.
    pub(crate) fn notice_began(&self) -> Option<Instant> {
        self.0.notice.get().map(|notice| notice.from)
    }

    pub(crate) fn begin(&self, length: Duration) {
        let window = DrainWindow { from: Instant::now(), length };
        self.0.begun.send_if_modified(|begun| {
            let first = begun.is_none();
            // A drain that began again would never end.
            begun.get_or_insert(window);
            first
        });
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.0.begun.borrow().is_some()
    }

    /// Waits until the drain begins.
    pub(crate) async fn begun(&self) {
        self.window().await;
    }

    /// When it began, and over which time subscribers are sent away.
    pub(crate) fn window_now(&self) -> Option<(Instant, Duration)> {
        self.0.begun.borrow().map(|window| (window.from, window.length))
    }

    /// Waits until the end has lasted so long, from its notice on if one was given.
    pub(crate) async fn overdue(&self, wait_max: Duration) {
        let window = self.window().await;
        sleep_until(self.notice_began().unwrap_or(window.from) + wait_max).await;
    }

    /// The next share of one: evenly spread, however many there are.
    pub(crate) fn share(&self) -> f64 {
        spread(self.0.shares.fetch_add(1, Ordering::Relaxed))
    }

    /// A delay before coming back.
    pub(crate) fn delay(&self, usual: Duration) -> Duration {
        delay(usual, self.share())
    }

    /// A delay before coming back to a hub that ends, not before its notice is over.
    pub(crate) fn delay_beyond_notice(&self, usual: Duration) -> Duration {
        let rest = self.0.notice.get().map(|notice| notice.until.saturating_duration_since(Instant::now()));
        rest.unwrap_or_default() + self.delay(usual)
    }

    async fn window(&self) -> DrainWindow {
        let mut begun = self.0.begun.subscribe();
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
