//! Where records go: a queue with a bound. Who writes them takes them from it.

use std::fmt;
use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::record::AccessRecord;
use crate::limits::ACCESS_LOG_LINES_MAX;

/// Takes the records of requests, and never waits. Cloning shares it.
#[derive(Clone)]
pub struct AccessLog(Arc<LogParts>);

struct LogParts {
    sender: Sender<AccessRecord>,
    dropped: Counter,
}

/// The records of requests that are over, for whoever writes them. They end when nothing that could make any is left.
#[derive(Debug)]
pub struct AccessRecords(Receiver<AccessRecord>);

impl AccessLog {
    /// A log, and the records that are put into it. It holds 4,096 of them; beyond that, records are left out and counted.
    pub fn new() -> (Self, AccessRecords) {
        let (sender, receiver) = mpsc::channel(ACCESS_LOG_LINES_MAX);
        (Self(Arc::new(LogParts { sender, dropped: Counter::default() })), AccessRecords(receiver))
    }

    /// Counts lines that could not be written.
    pub fn count_dropped(&self, lines: u64) {
        if lines > 0 && self.0.dropped.inc_by(lines) == 0 {
            // Once: the metric tells how many there are.
            tracing::warn!(
                "lines of the access log are left out: they come faster than they can be written, or cannot be written"
            );
        }
    }

    /// Lines that were left out.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.get()
    }

    pub(super) fn put(&self, record: AccessRecord) {
        if self.0.sender.try_send(record).is_err() {
            self.count_dropped(1);
        }
    }

    pub(crate) fn counter(&self) -> Counter {
        self.0.dropped.clone()
    }
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLog").field("dropped", &self.dropped()).finish_non_exhaustive()
    }
}

impl AccessRecords {
    /// Waits for the next records, and adds at most so many. Returns how many; 0 if there will be none. Cancel safe.
    pub async fn next(&mut self, records: &mut Vec<AccessRecord>, limit: usize) -> usize {
        self.0.recv_many(records, limit).await
    }

    /// The next record that is there now.
    pub fn try_next(&mut self) -> Option<AccessRecord> {
        self.0.try_recv().ok()
    }
}
