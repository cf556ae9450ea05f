//! What a file store measures of itself.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{append, draft_with, query_everything};
use tidings_core::{DraftFields, KeyFields, Start, Store};
use tidings_store::{FileStore, FileStoreConfig};
use tidings_testkit::metrics::Exposition;

fn read(store: &FileStore) -> Exposition {
    let mut registry = Registry::default();
    store.metrics().register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    Exposition::open_metrics(&text)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_append_write_sync_and_read_is_counted_once() {
    let dir = tempfile::tempdir().unwrap();
    let config = FileStoreConfig { dir: dir.path().join("data"), ..FileStoreConfig::default() };
    let store = FileStore::open(config, ManualClock::at(1_000)).unwrap();
    let before = read(&store);

    append(&store, "a", &["x", "y", "z"]).await;
    append(&store, "a", &["x"]).await;
    store.read(query_everything(Start::Earliest)).await.unwrap();

    let after = read(&store);
    let grew = |series: &str| after.value(series) - before.value(series);
    assert_eq!(grew("tidings_store_append_seconds_count"), 2.0);
    assert_eq!(grew("tidings_store_sync_seconds_count"), 2.0);
    assert_eq!(grew("tidings_store_read_seconds_count"), 1.0);
    assert_eq!(grew("tidings_store_group_events_count"), 2.0);
    assert_eq!(grew("tidings_store_group_events_sum"), 4.0);
    assert_eq!(grew("tidings_store_group_events_bucket{le=\"1.0\"}"), 1.0);
    assert_eq!(grew("tidings_store_group_bytes_count"), 2.0);
    assert!(grew("tidings_store_group_bytes_sum") > 4.0);
    assert!(grew("tidings_store_append_seconds_sum") >= grew("tidings_store_sync_seconds_sum"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_is_an_append_and_no_write() {
    let dir = tempfile::tempdir().unwrap();
    let config = FileStoreConfig { dir: dir.path().join("data"), ..FileStoreConfig::default() };
    let store = FileStore::open(config, ManualClock::at(1_000)).unwrap();
    let keyed = || {
        let key = Some(KeyFields { credential: "", key: "k" });
        vec![draft_with("a", "x", DraftFields { key, ..DraftFields::default() })]
    };
    store.append(keyed()).await.unwrap();
    let before = read(&store);

    store.append(keyed()).await.unwrap();

    let after = read(&store);
    let grew = |series: &str| after.value(series) - before.value(series);
    assert_eq!(grew("tidings_store_append_seconds_count"), 1.0);
    assert_eq!(grew("tidings_store_group_events_count"), 0.0);
    assert_eq!(grew("tidings_store_sync_seconds_count"), 0.0);
}
