//! The file store passes the contract of stores.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use tidings_core::contract::Fixture;
use tidings_core::{Clock, RetentionHold, Store};
use tidings_store::{Durability, FileStore, FileStoreConfig, Retention};

const SMALL: u64 = 65_536;
const LARGE: u64 = 67_108_864;

struct Files {
    dir: TempDir,
    durability: Durability,
    segment_bytes: u64,
}

impl Files {
    fn new(durability: Durability, segment_bytes: u64) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), durability, segment_bytes }
    }

    fn open(
        &self,
        clock: Arc<dyn Clock>,
        segment_bytes: u64,
        retention: Retention,
        hold: Option<Arc<RetentionHold>>,
    ) -> Arc<dyn Store> {
        let dir = self.dir.path().join("data");
        let config = FileStoreConfig {
            dir,
            durability: self.durability,
            segment_bytes,
            retention,
            hold,
            ..FileStoreConfig::default()
        };
        Arc::new(FileStore::open(config, clock).unwrap())
    }
}

#[async_trait]
impl Fixture for Files {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        self.open(clock, self.segment_bytes, Retention::default(), None)
    }

    async fn open_bounded(&self, clock: Arc<dyn Clock>, events: usize) -> Arc<dyn Store> {
        // Whole segments leave, so small ones are as exact as this store can be.
        self.open(clock, SMALL, Retention { count: Some(events as u64), ..Retention::default() }, None)
    }

    async fn open_held(
        &self,
        clock: Arc<dyn Clock>,
        events: usize,
        hold: Arc<RetentionHold>,
    ) -> Option<Arc<dyn Store>> {
        let retention = Retention { count: Some(events as u64), ..Retention::default() };
        Some(self.open(clock, SMALL, retention, Some(hold)))
    }

    fn survives_restart(&self) -> bool {
        true
    }

    fn batches_a_tail_keeps(&self) -> usize {
        // What an announcer keeps.
        256
    }
}

mod with_fsync_and_large_segments {
    use super::*;
    tidings_core::contract_tests!(Files::new(Durability::Fsync, LARGE));
}

mod with_small_segments {
    use super::*;
    tidings_core::contract_tests!(Files::new(Durability::Fsync, SMALL));
}

mod with_durability_none {
    use super::*;
    tidings_core::contract_tests!(Files::new(Durability::None, SMALL));
}
