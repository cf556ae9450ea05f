//! The hub against a naive model, with the memory store: see [`model`].

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "model/mod.rs"]
mod model;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use model::{Rig, crowd, plan, step, window, within_deadline, world};
use proptest::prelude::*;
use tidings_core::memory::{MemoryRetention, MemoryStore};
use tidings_core::{Clock, Cursor, Epoch, Sequence, Store};
use tokio::runtime::Builder;

/// Each log is a new one, with another epoch. It knows the store that it opened last, to begin epochs in it.
#[derive(Default)]
struct Memory(Mutex<Option<Arc<MemoryStore>>>);

static NEXT_EPOCH: AtomicU64 = AtomicU64::new(7);

fn next_epoch() -> Epoch {
    Epoch(NEXT_EPOCH.fetch_add(1, Ordering::Relaxed))
}

#[async_trait]
impl Rig for Memory {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        let retention = MemoryRetention { events_max: 30, ..MemoryRetention::default() };
        let store = Arc::new(MemoryStore::new(next_epoch(), clock, retention));
        *self.0.lock().unwrap() = Some(store.clone());
        store
    }

    async fn begin_epoch(&self, _store: &Arc<dyn Store>, after: Sequence) -> Option<Cursor> {
        Some(self.0.lock().unwrap().as_ref()?.begin_epoch(next_epoch(), after))
    }

    fn survives_restart(&self) -> bool {
        false
    }

    fn knows_when_the_last_lost_event_was(&self) -> bool {
        false
    }

    fn data_bytes(&self) -> usize {
        4
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_time: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn every_subscriber_gets_what_the_model_says(
        window in window(),
        steps in prop::collection::vec(step(), 1..150),
    ) {
        within_deadline(move || {
            // The clock is paused: a wait that nothing will end is over at once.
            let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            runtime.block_on(world::run(Memory::default(), window, steps));
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn subscribers_and_publishers_on_several_threads_agree_with_the_model(plan in plan()) {
        within_deadline(move || {
            let runtime = Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
            runtime.block_on(crowd::run(Memory::default(), plan));
        });
    }
}
