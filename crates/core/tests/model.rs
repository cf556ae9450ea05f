//! The hub against a naive model, with the memory store: see [`model`].

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "model/mod.rs"]
mod model;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use model::{Rig, crowd, plan, step, window, within_deadline, world};
use proptest::prelude::*;
use tidings_core::memory::{MemoryRetention, MemoryStore};
use tidings_core::{Clock, Epoch, Store};
use tokio::runtime::Builder;

/// Each log is a new one, with another epoch.
struct Memory;

static NEXT_EPOCH: AtomicU64 = AtomicU64::new(7);

#[async_trait]
impl Rig for Memory {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        let retention = MemoryRetention { events_max: 30, ..MemoryRetention::default() };
        Arc::new(MemoryStore::new(Epoch(NEXT_EPOCH.fetch_add(1, Ordering::Relaxed)), clock, retention))
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
            runtime.block_on(world::run(Memory, window, steps));
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn subscribers_and_publishers_on_several_threads_agree_with_the_model(plan in plan()) {
        within_deadline(move || {
            let runtime = Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
            runtime.block_on(crowd::run(Memory, plan));
        });
    }
}
