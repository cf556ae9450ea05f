//! A store without a disk: for tests, for `--memory`, and as the shortest example of what a store is.
//!
//! Its log ends with the process, so each one begins a new epoch. Older events stand in blocks that readers share
//! with it, so that a reading looks at them without the lock.
//!
//! | file | does |
//! |---|---|
//! | `contents`, `events`, `held` | what stands behind the lock: the log, its keys and ids, and what a hold keeps |
//! | `block`, `index`, `indexes` | older events, and which of them may match |
//! | `reading`, `id` | where a page begins, and what is in it |
//! | `scan`, `work` | a walk over the events that match, and what it is charged for |

mod block;
#[cfg(test)]
mod charge_tests;
mod contents;
mod events;
mod held;
#[cfg(test)]
mod held_tests;
mod id;
mod index;
mod indexes;
mod reading;
#[cfg(test)]
mod retention_tests;
mod scan;
#[cfg(test)]
mod sliced_tests;
mod work;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use contents::Contents;
use held::Held;
use indexes::Indexes;

use crate::event::{Clock, Cursor, Draft, Epoch, EpochStatus, Sequence};
use crate::limits::{BUDGET_UNITS, MEMORY_INDEX_SHARE};
use crate::read_desk::{Desk, Meter, Sharing};
use crate::store::tail::{Announcer, ReadLog};
use crate::store::{Bounds, Placement, Query, Reading, RetentionHold, Store, StoreError, Tail};

/// What a [`MemoryStore`] keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryRetention {
    /// Newest events kept. Default 1,000,000.
    pub events_max: usize,
    /// Bytes of their fields. Default 256 MiB, because it is main memory. Events leave memory in blocks, so that it may hold
    /// [`MEMORY_BLOCK_BYTES_MAX`](crate::limits::MEMORY_BLOCK_BYTES_MAX) more. Indexes that readers make take at most half
    /// of this, besides.
    pub bytes_max: usize,
}

impl Default for MemoryRetention {
    fn default() -> Self {
        Self { events_max: 1_000_000, bytes_max: 268_435_456 }
    }
}

/// Keeps the log in memory.
pub struct MemoryStore {
    log: Arc<MemoryLog>,
    reader: Arc<LogReader>,
    clock: Arc<dyn Clock>,
    retention: MemoryRetention,
    announcer: Announcer,
}

/// The log, and the indexes of its blocks.
struct MemoryLog {
    contents: Mutex<Contents>,
    indexes: Indexes,
}

/// The reading half of the store.
struct LogReader {
    log: Arc<MemoryLog>,
    desk: Arc<Desk<Reading>>,
}

impl MemoryStore {
    /// An empty log. The epoch should be random, and differ from that of every log before.
    pub fn new(epoch: Epoch, clock: Arc<dyn Clock>, retention: MemoryRetention) -> Self {
        let indexes = Indexes::new(retention.bytes_max / MEMORY_INDEX_SHARE);
        let log = Arc::new(MemoryLog { contents: Mutex::new(Contents::new(epoch)), indexes });
        let reader = Arc::new(LogReader { log: log.clone(), desk: Desk::new(Sharing::default()) });
        Self { log, reader, clock, retention, announcer: Announcer::default() }
    }

    /// With a hold, which keeps events that retention would remove until they are released. The store wants to remove them
    /// before it must: a sixteenth to an eighth of its bounds ahead
    /// ([`MEMORY_AHEAD_PARTS`](crate::limits::MEMORY_AHEAD_PARTS)). What is not released in time stays in memory, beyond the
    /// bounds.
    pub fn with_hold(self, hold: Arc<RetentionHold>) -> Self {
        self.log.contents().held = Some(Held::new(hold.clone()));
        let (log, retention) = (Arc::downgrade(&self.log), self.retention);
        hold.on_release(move || {
            if let Some(log) = log.upgrade() {
                log.contents().retain(retention);
            }
        });
        self
    }

    /// Ends the current epoch after a place, at the head at the latest, and goes on in another one, as an engine does
    /// that lost its newest events: what stood after the place is gone. For tests of what followers make of it.
    pub fn begin_epoch(&self, epoch: Epoch, after: Sequence) -> Cursor {
        let mut contents = self.log.contents();
        let begins = contents.begin_epoch(epoch, after);
        // Under the lock, so that it is announced in the order of the log.
        self.announcer.announce_epoch(begins);
        begins
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Placement>, StoreError> {
        let mut contents = self.log.contents();
        if contents.closed {
            return Err(StoreError::Stopped("it was closed".into()));
        }
        let before = contents.head;
        let now = self.clock.now();
        let placements = contents.place_all(drafts, now);
        let fresh = contents.events.shared_after(before);
        // Under the lock, so that batches are announced in the order of the log.
        self.announcer.announce(fresh);
        contents.retain(self.retention);
        Ok(placements)
    }

    async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        self.reader.read(query).await
    }

    fn bounds(&self) -> Bounds {
        let contents = self.log.contents();
        Bounds { floor: contents.floor, head: contents.head() }
    }

    fn status_of(&self, epoch: Epoch) -> EpochStatus {
        self.log.contents().line.status_of(epoch)
    }

    async fn tail(&self, after: Cursor) -> Result<Box<dyn Tail>, StoreError> {
        Ok(self.announcer.tail(after, self.reader.clone()))
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.log.contents().closed = true;
        self.announcer.close();
        Ok(())
    }
}

#[async_trait]
impl ReadLog for LogReader {
    /// Cancel safe: the work of a call that is dropped ends with its slice.
    async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        let meter = Arc::new(Meter::new(BUDGET_UNITS));
        let search = Box::pin(reading::read(self.log.clone(), query, meter.clone()));
        // Most readings are over after a slice, which takes less time than a way to another thread and back.
        self.desk.begin_and_run(search, meter).await
    }
}

impl MemoryLog {
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::{AtomicBool, Ordering};

    use bytes::Bytes;

    use super::*;
    use crate::event::{DraftParts, Topic, UnixMillis};

    struct Buffer(Vec<u8>, Arc<AtomicBool>);

    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl Drop for Buffer {
        fn drop(&mut self) {
            self.1.store(true, Ordering::Relaxed);
        }
    }

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> UnixMillis {
            UnixMillis(0)
        }
    }

    #[tokio::test]
    async fn the_store_does_not_keep_the_buffer_alive_in_which_an_event_arrived() {
        let freed = Arc::new(AtomicBool::new(false));
        let data = Bytes::from_owner(Buffer(vec![b'x'; 1_000_000], freed.clone())).slice(..1);
        let topic = Topic::parse("a").unwrap();
        let parts = DraftParts::new(topic, data);
        let store = MemoryStore::new(Epoch(1), Arc::new(Noon), MemoryRetention::default());

        store.append(vec![Draft::restore(parts)]).await.unwrap();

        assert!(freed.load(Ordering::Relaxed));
    }
}
