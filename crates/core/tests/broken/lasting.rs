//! A sound store whose log lasts: in memory, and opened again with what another one had.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tidings_core::memory::{MemoryRetention, MemoryStore};
use tidings_core::{
    Bounds, Clock, Cursor, Draft, Epoch, EpochStatus, Event, Lost, Placement, Query, Reading, RetentionHold,
    Sequence, Start, Store, StoreError, Tail, UnixMillis,
};

/// One life of a log.
pub(crate) struct LastingStore {
    store: MemoryStore,
    /// The epoch of this life, which begins with the first append.
    epoch: Epoch,
    /// Whether the epochs of the lives before are over, and that of this one is still to begin.
    is_over: AtomicBool,
}

impl LastingStore {
    /// A life with the events of those before it.
    pub(crate) async fn open(
        kept: Vec<Event>,
        epoch: Epoch,
        clock: Arc<dyn Clock>,
        retention: MemoryRetention,
    ) -> Self {
        let hands = Arc::new(Mutex::new(None));
        let first = kept.first().map_or(epoch, |event| event.cursor.epoch);
        let store = MemoryStore::new(first, Arc::new(Replay(hands.clone(), clock)), retention);
        let is_over = AtomicBool::new(!kept.is_empty());
        for Event { cursor, time, draft } in kept {
            if cursor.epoch != store.bounds().epoch() {
                store.begin_epoch(cursor.epoch, cursor.sequence.previous());
            }
            *hands.lock().unwrap() = Some(time);
            store.append(vec![draft]).await.unwrap();
        }
        *hands.lock().unwrap() = None;
        Self { store, epoch, is_over }
    }

    pub(crate) fn with_hold(self, hold: Arc<RetentionHold>) -> Self {
        Self { store: self.store.with_hold(hold), ..self }
    }

    pub(crate) fn begin_epoch(&self, epoch: Epoch, after: Sequence) -> Cursor {
        self.store.begin_epoch(epoch, after)
    }

    /// Goes on in the epoch of the life before.
    pub(crate) fn keep_epoch(&self) {
        self.is_over.store(false, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

/// A clock that shows the time of an event that is placed again, if there is one.
struct Replay(Arc<Mutex<Option<UnixMillis>>>, Arc<dyn Clock>);

impl Clock for Replay {
    fn now(&self) -> UnixMillis {
        self.0.lock().unwrap().unwrap_or_else(|| self.1.now())
    }
}

#[async_trait]
impl Store for LastingStore {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Placement>, StoreError> {
        if self.is_over.swap(false, Ordering::Relaxed) {
            self.store.begin_epoch(self.epoch, self.bounds().head.sequence);
        }
        self.store.append(drafts).await
    }

    async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        let head = self.bounds().head;
        match query.start {
            Start::After(place)
                if self.is_over() && place.epoch == head.epoch && place.sequence > head.sequence =>
            {
                Ok(Reading::Lost { lost: Lost::OtherEpoch, resumes_after: head })
            }
            _ => self.store.read(query).await,
        }
    }

    fn bounds(&self) -> Bounds {
        self.store.bounds()
    }

    fn status_of(&self, epoch: Epoch) -> EpochStatus {
        match self.store.status_of(epoch) {
            EpochStatus::Current if self.is_over() => EpochStatus::Ended { at: self.bounds().head.sequence },
            status => status,
        }
    }

    async fn tail(&self, after: Cursor) -> Result<Box<dyn Tail>, StoreError> {
        self.store.tail(after).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.store.close().await
    }
}
