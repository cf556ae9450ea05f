//! The memory store passes the contract of stores.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tidings_core::contract::Fixture;
use tidings_core::memory::{MemoryRetention, MemoryStore};
use tidings_core::{Clock, Epoch, Store};

struct Memory;

static NEXT_EPOCH: AtomicU64 = AtomicU64::new(1);

fn memory(clock: Arc<dyn Clock>, retention: MemoryRetention) -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(Epoch(NEXT_EPOCH.fetch_add(1, Ordering::Relaxed)), clock, retention))
}

#[async_trait]
impl Fixture for Memory {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        memory(clock, MemoryRetention::default())
    }

    async fn open_bounded(&self, clock: Arc<dyn Clock>, events: usize) -> Arc<dyn Store> {
        memory(clock, MemoryRetention { events_max: events, ..MemoryRetention::default() })
    }

    fn survives_restart(&self) -> bool {
        false
    }

    fn batches_a_tail_keeps(&self) -> usize {
        // What an announcer keeps.
        256
    }
}

tidings_core::contract_tests!(Memory);
