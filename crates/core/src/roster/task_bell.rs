//! The bell of a task's subscription: it wakes the task, and tells the roster where the task stands.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

use super::subscriber::Dismissal;
use crate::event::Sequence;
use crate::live::ring::Watcher;

/// Wakes the one task that waits for a subscription, and says whether the subscription was ended. A wake that comes before the
/// wait is kept.
pub(crate) struct TaskBell {
    notify: Notify,
    dismissed: OnceLock<Dismissal>,
    /// Everything up to there was handed out.
    place: AtomicU64,
    /// There may be something for it after its place.
    is_behind: AtomicBool,
}

impl TaskBell {
    pub(crate) fn new(place: Sequence) -> Self {
        Self {
            notify: Notify::new(),
            dismissed: OnceLock::new(),
            place: AtomicU64::new(place.0),
            is_behind: AtomicBool::new(true),
        }
    }

    /// Ends the subscription; false if it was ended before.
    pub(super) fn dismiss(&self, why: Dismissal) -> bool {
        let fresh = self.dismissed.set(why).is_ok();
        self.notify.notify_one();
        fresh
    }

    /// Waits until it is rung. Cancel safe.
    pub(crate) async fn rung(&self) {
        self.notify.notified().await;
    }

    /// Why the subscription was ended, if it was.
    pub(crate) fn dismissed(&self) -> Option<Dismissal> {
        self.dismissed.get().copied()
    }

    /// The task is about to look at the rings. What moves them from now on says that it is behind.
    pub(crate) fn looks(&self) {
        self.is_behind.swap(false, Ordering::AcqRel);
    }

    /// The task has gone on to a place, and there may be more.
    pub(crate) fn went_on(&self, place: Sequence) {
        self.place.store(place.0, Ordering::Relaxed);
        self.is_behind.store(true, Ordering::Release);
    }

    /// Where the task stands, if there may be more for it.
    pub(super) fn behind(&self) -> Option<Sequence> {
        let is_behind = self.is_behind.load(Ordering::Acquire);
        is_behind.then(|| Sequence(self.place.load(Ordering::Relaxed)))
    }
}

impl Watcher for TaskBell {
    fn ring_moved(&self, _key: usize) {
        self.is_behind.store(true, Ordering::Release);
        self.notify.notify_one();
    }
}
