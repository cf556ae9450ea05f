//! Numbers of the inbox, for metrics and bounds.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::projection::Done;

/// Numbers since the program began, and of now.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    records: AtomicU64,
    notifications: AtomicU64,
    changes: AtomicU64,
    patterns: AtomicU64,
}

impl Counts {
    /// A batch was applied.
    pub(crate) fn applied(&self, done: &Done) {
        let add = |counter: &AtomicU64, number: u64| {
            counter.fetch_add(number, Ordering::Relaxed);
        };
        add(&self.records, done.outcomes.len() as u64);
        add(&self.notifications, done.outcomes.iter().map(|(_, outcome)| outcome.notified).sum());
        add(&self.changes, done.outcomes.iter().map(|(_, outcome)| outcome.changed).sum());
        self.set_patterns(done.patterns);
    }

    /// The patterns that are followed.
    pub(crate) fn set_patterns(&self, patterns: usize) {
        self.patterns.store(patterns as u64, Ordering::Relaxed);
    }

    /// Records that were applied.
    pub(crate) fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// Items that came in.
    pub(crate) fn notifications(&self) -> u64 {
        self.notifications.load(Ordering::Relaxed)
    }

    /// Items and preferences that were changed or taken away.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Different patterns that users follow.
    pub(crate) fn patterns(&self) -> u64 {
        self.patterns.load(Ordering::Relaxed)
    }
}
