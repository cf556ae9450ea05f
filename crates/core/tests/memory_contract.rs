//! The memory store passes the contract of stores.

#![allow(clippy::unwrap_used)]

use std::ptr::addr_eq;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tidings_core::contract::Fixture;
use tidings_core::memory::{MemoryRetention, MemoryStore};
use tidings_core::{Clock, Cursor, Epoch, RetentionHold, Sequence, Store};

/// Opens memory stores, and knows them, to begin epochs in them.
#[derive(Default)]
struct Memory(Mutex<Vec<Arc<MemoryStore>>>);

static NEXT_EPOCH: AtomicU64 = AtomicU64::new(1);

fn next_epoch() -> Epoch {
    Epoch(NEXT_EPOCH.fetch_add(1, Ordering::Relaxed))
}

impl Memory {
    fn store(&self, clock: Arc<dyn Clock>, retention: MemoryRetention) -> Arc<dyn Store> {
        let store = Arc::new(MemoryStore::new(next_epoch(), clock, retention));
        self.0.lock().unwrap().push(store.clone());
        store
    }
}

#[async_trait]
impl Fixture for Memory {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        self.store(clock, MemoryRetention::default())
    }

    async fn open_bounded(&self, clock: Arc<dyn Clock>, events: usize) -> Arc<dyn Store> {
        self.store(clock, MemoryRetention { events_max: events, ..MemoryRetention::default() })
    }

    async fn open_held(
        &self,
        clock: Arc<dyn Clock>,
        events: usize,
        hold: Arc<RetentionHold>,
    ) -> Option<Arc<dyn Store>> {
        let retention = MemoryRetention { events_max: events, ..MemoryRetention::default() };
        Some(Arc::new(MemoryStore::new(next_epoch(), clock, retention).with_hold(hold)))
    }

    fn survives_restart(&self) -> bool {
        false
    }

    fn batches_a_tail_keeps(&self) -> usize {
        // What an announcer keeps.
        256
    }

    async fn begin_epoch(&self, store: &Arc<dyn Store>, after: Sequence) -> Option<Cursor> {
        let stores = self.0.lock().unwrap();
        let store = stores.iter().find(|own| addr_eq(Arc::as_ptr(own), Arc::as_ptr(store)));
        Some(store?.begin_epoch(next_epoch(), after))
    }
}

tidings_core::contract_tests!(Memory::default());
