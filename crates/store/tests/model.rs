//! The hub against a naive model, with the file store: see [`model`].

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

#[path = "../../core/tests/model/mod.rs"]
mod model;

use std::fs;
use std::sync::Arc;

use async_trait::async_trait;
use model::{Rig, crowd, plan, step, window, within_deadline, world};
use proptest::prelude::*;
use tempfile::TempDir;
use tidings_core::{Clock, Store};
use tidings_store::{Durability, FileStore, FileStoreConfig, Retention};
use tokio::runtime::Builder;

/// Every time it is opened it is the same log.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

#[async_trait]
impl Rig for Files {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        let config = FileStoreConfig {
            dir: self.0.path().join("data"),
            durability: Durability::None,
            segment_bytes: 65_536,
            retention: Retention { count: Some(30), ..Retention::default() },
            ..FileStoreConfig::default()
        };
        Arc::new(FileStore::open(config, clock).unwrap())
    }

    fn survives_restart(&self) -> bool {
        true
    }

    fn knows_when_the_last_lost_event_was(&self) -> bool {
        true
    }

    fn copy(&self) -> Option<model::Files> {
        let entries = fs::read_dir(self.0.path().join("data")).unwrap().map(Result::unwrap);
        // An index that is being written is there under another name, and gone when it is whole.
        let read = |entry: fs::DirEntry| {
            Some((entry.file_name().into_string().unwrap(), fs::read(entry.path()).ok()?))
        };
        Some(entries.filter_map(read).collect())
    }

    fn put_back(&self, files: &model::Files) {
        let dir = self.0.path().join("data");
        fs::remove_dir_all(&dir).unwrap();
        fs::create_dir(&dir).unwrap();
        files.iter().for_each(|(name, bytes)| fs::write(dir.join(name), bytes).unwrap());
    }

    fn lose_tail(&self, files: &mut model::Files, whole: bool) {
        let newest = files.keys().filter(|name| name.ends_with(".log")).max().unwrap().clone();
        match whole {
            true => drop(files.remove(&newest)),
            // The header of a segment is left.
            false => files.get_mut(&newest).unwrap().truncate(64),
        }
    }

    fn data_bytes(&self) -> usize {
        // Some fifteen events make a segment, so that retention has something to take.
        4_000
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, max_shrink_iters: 50, max_shrink_time: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn every_subscriber_gets_what_the_model_says(
        window in window(),
        steps in prop::collection::vec(step(), 1..150),
    ) {
        within_deadline(move || {
            let runtime = Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(world::run(Files::new(), window, steps));
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn subscribers_and_publishers_on_several_threads_agree_with_the_model(plan in plan()) {
        within_deadline(move || {
            let runtime = Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
            runtime.block_on(crowd::run(Files::new(), plan));
        });
    }
}
