//! Numbers of the inbox, for metrics and bounds.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::projection::Done;

/// What operators may want to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct InboxNumbers {
    /// Whether the inboxes have come to the end of the log.
    pub is_ready: bool,
    /// The sequence of the log up to which they go.
    pub applied: u64,
    /// Records whose writers wait for the inboxes.
    pub waiting: u64,
    /// Records that were applied since the program began.
    pub records: u64,
    /// Items that came in since then.
    pub notifications: u64,
    /// Items and preferences that were changed or taken away since then.
    pub changes: u64,
    /// Different patterns that users follow.
    pub patterns: u64,
    /// Bytes of the files of the database; zero in memory.
    pub database_bytes: u64,
}

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
