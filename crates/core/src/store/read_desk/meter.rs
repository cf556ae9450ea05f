//! Counts the work of a reading, and says when it has to pause and when it has to end.
//!
//! A reading is an `async fn` that nothing wakes: where its slice is over it returns to the thread that polls it, and is
//! polled again when its next turn has come. The compiler keeps its place, so that the code of a search reads as if it ran
//! in one go.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;

use tokio::time::Instant;

use super::turns::{Progress, Stage};
use crate::limits::SLICE_TIME_MAX;

/// What a reading may still do. One thread at a time reads and changes it.
#[derive(Debug)]
pub struct Meter {
    /// In units, as all that follows but the time.
    work: AtomicU64,
    slice_ends: AtomicU64,
    budget: AtomicU64,
    is_id_search: AtomicBool,
    is_page: AtomicBool,
    began: Instant,
    /// Nanoseconds after the beginning.
    slice_ends_at: AtomicU64,
}

impl Meter {
    /// Of a reading that may do this much in all. Its first slice is to begin.
    pub fn new(budget: u64) -> Self {
        Self {
            work: AtomicU64::new(0),
            slice_ends: AtomicU64::new(0),
            budget: AtomicU64::new(budget),
            is_id_search: AtomicBool::new(false),
            is_page: AtomicBool::new(false),
            began: Instant::now(),
            slice_ends_at: AtomicU64::new(0),
        }
    }

    /// Begins a slice of this much work.
    pub fn begin_slice(&self, units: u64) {
        self.slice_ends.store(self.work().saturating_add(units), Ordering::Relaxed);
        let ends_at = self.began.elapsed() + SLICE_TIME_MAX;
        self.slice_ends_at.store(nanoseconds(ends_at), Ordering::Relaxed);
    }

    /// Leaves no more of the budget.
    pub fn end_budget(&self) {
        self.budget.store(self.work(), Ordering::Relaxed);
    }

    /// Begins to look for an id.
    pub fn begin_id_search(&self) {
        self.is_id_search.store(true, Ordering::Relaxed);
        // A reading that had to begin again has no page any more.
        self.is_page.store(false, Ordering::Relaxed);
    }

    /// Begins to fill a page, which may end anywhere. If the budget has not as much left as this, it is made so large: the page
    /// has to get somewhere.
    pub fn begin_page(&self, units: u64) {
        self.is_page.store(true, Ordering::Relaxed);
        self.budget.fetch_max(self.work().saturating_add(units), Ordering::Relaxed);
    }

    /// Counts work that was done, and pauses if the slice is over.
    pub async fn spend(&self, units: u64) {
        let work = self.work().saturating_add(units);
        self.work.store(work, Ordering::Relaxed);
        if work < self.slice_ends.load(Ordering::Relaxed) && (units <= 1 || self.has_time()) {
            return;
        }
        let mut has_paused = false;
        poll_fn(|_| match std::mem::replace(&mut has_paused, true) {
            false => Poll::Pending,
            true => Poll::Ready(()),
        })
        .await;
    }

    /// Whether the budget is used up.
    pub fn is_used_up(&self) -> bool {
        self.work() >= self.budget.load(Ordering::Relaxed)
    }

    /// All the work so far.
    pub fn work(&self) -> u64 {
        self.work.load(Ordering::Relaxed)
    }

    /// How far the reading has come.
    pub(super) fn progress(&self) -> Progress {
        let is = |stage: &AtomicBool| stage.load(Ordering::Relaxed);
        let stage = match is(&self.is_page) {
            true => Stage::Page,
            false if is(&self.is_id_search) => Stage::IdSearch,
            false => Stage::Search,
        };
        Progress { work: self.work(), stage }
    }

    fn has_time(&self) -> bool {
        nanoseconds(self.began.elapsed()) < self.slice_ends_at.load(Ordering::Relaxed)
    }
}

fn nanoseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
