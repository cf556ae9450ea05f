//! Scrubbing finds damage that no reader has come to, and ends with the store.

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tidings_core::contract::ManualClock;
use tidings_core::{Sequence, Store};
use tidings_store::{FileStore, FileStoreConfig};

use crate::directory::Directory;

fn metrics(store: &FileStore) -> String {
    let (mut registry, mut text) = (Registry::default(), String::new());
    store.metrics().register(&mut registry);
    encode(&mut text, &registry).unwrap();
    text
}

/// Until a metric has a value, however long that takes.
async fn until(store: &FileStore, line: &str) {
    while !metrics(store).lines().any(|told| told == line) {
        tokio::task::yield_now().await;
    }
}

fn open(directory: &Directory, bytes_per_second: u64) -> FileStore {
    let config = FileStoreConfig {
        dir: directory.path(),
        segment_bytes: 65_536,
        scrub_bytes_per_second: bytes_per_second,
        ..FileStoreConfig::default()
    };
    FileStore::open(config, ManualClock::at(5_000_000)).unwrap()
}

#[tokio::test]
async fn damage_is_found_before_a_reader_comes_to_it() {
    let directory = Directory::filled().await;
    directory.flip(&directory.names(".log")[1], 20_000);

    let store = open(&directory, u64::MAX);
    until(&store, "tidings_store_scrub_passes_total 1").await;

    assert!(metrics(&store).contains("tidings_store_scrub_damage_total 1\n"), "{}", metrics(&store));
    assert!(metrics(&store).contains("tidings_store_scrub_last_pass_seconds 5000\n"));
    let damage = store.damage();
    assert_eq!(damage.len(), 1, "{damage:?}");
    assert!(*damage[0].start() > Sequence(1));
    store.close().await.unwrap();
}

/// At this rate a pass takes a day: the end does not wait for it.
#[tokio::test]
async fn a_store_that_is_closed_does_not_wait_for_a_pass() {
    let directory = Directory::filled().await;
    let store = open(&directory, 1);

    store.close().await.unwrap();

    assert!(metrics(&store).contains("tidings_store_scrub_passes_total 0\n"));
}
