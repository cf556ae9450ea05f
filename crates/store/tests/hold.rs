//! A hold on the file store: nothing leaves before it is released, and what is wanted is told in time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tempfile::TempDir;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::append;
use tidings_core::{RetentionHold, Sequence, Store};
use tidings_store::{FileStore, FileStoreConfig, Retention};
use tidings_testkit::metrics::Exposition;

const SEGMENT_BYTES: u64 = 65_536;

fn config(dir: &TempDir, retention: Retention, hold: &Arc<RetentionHold>) -> FileStoreConfig {
    FileStoreConfig {
        dir: dir.path().join("data"),
        segment_bytes: SEGMENT_BYTES,
        retention,
        hold: Some(hold.clone()),
        ..FileStoreConfig::default()
    }
}

fn segments(dir: &TempDir) -> usize {
    let entries = std::fs::read_dir(dir.path().join("data")).unwrap();
    entries.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|it| it == "log")).count()
}

/// Appends events until so many segments are there.
async fn fill(store: &FileStore, dir: &TempDir, count: usize) {
    while segments(dir) < count {
        append(store, "a", &[&"x".repeat(5_000)]).await;
    }
}

/// Waits until something is so, which a thread of the store's brings about.
async fn eventually(what: &str, so: impl Fn() -> bool) {
    for _ in 0..60_000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("waited in vain for {what}");
}

/// What the store wants, which it must say at some time.
async fn wanted(hold: &RetentionHold) -> Sequence {
    tokio::time::timeout(Duration::from_secs(60), hold.wanted())
        .await
        .expect("the store wants to remove something")
}

#[tokio::test]
async fn a_hold_that_is_never_released_keeps_everything_over_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let retention = Retention { bytes: Some(2 * SEGMENT_BYTES), ..Retention::default() };
    for segments in [6, 9] {
        let hold = Arc::new(RetentionHold::default());
        let store = FileStore::open(config(&dir, retention, &hold), ManualClock::at(0)).unwrap();

        fill(&store, &dir, segments).await;

        assert_eq!((hold.released(), store.bounds().earliest()), (Sequence::ZERO, Sequence(1)));
        assert!(wanted(&hold).await > Sequence(1));
        store.close().await.unwrap();
    }
    assert_eq!(segments(&dir), 9);

    // Without it, the same log comes back into its bounds.
    let config = FileStoreConfig { hold: None, ..config(&dir, retention, &Arc::default()) };
    let store = FileStore::open(config, ManualClock::at(0)).unwrap();
    eventually("the log to be in its bounds", || segments(&dir) <= 3).await;
    assert!(store.bounds().earliest() > Sequence(1));
}

#[tokio::test]
async fn a_segment_is_wanted_while_the_one_fills_for_which_it_must_leave() {
    let dir = tempfile::tempdir().unwrap();
    let hold = Arc::new(RetentionHold::default());
    let retention = Retention { bytes: Some(4 * SEGMENT_BYTES), ..Retention::default() };
    let store = FileStore::open(config(&dir, retention, &hold), ManualClock::at(0)).unwrap();

    // Three segments and the fourth just begun leave room for one more, so nobody is asked yet.
    fill(&store, &dir, 4).await;
    assert_eq!(hold.wanted_now(), None);

    // Within the next segment the oldest is wanted, while the log is still in its bounds: nothing leaves though it is released.
    while hold.wanted_now().is_none() {
        append(&store, "a", &[&"x".repeat(5_000)]).await;
    }
    let last = wanted(&hold).await;
    assert!(segments(&dir) <= 5);
    hold.release_through(last);
    append(&store, "a", &["x"]).await;
    assert_eq!(store.bounds().earliest(), Sequence(1));

    // When the bound is reached, it leaves at once.
    while store.bounds().earliest() == Sequence(1) {
        append(&store, "a", &[&"x".repeat(5_000)]).await;
        assert!(segments(&dir) <= 6, "what was released does not leave");
    }
    assert_eq!(store.bounds().earliest(), last.next());
}

#[tokio::test]
async fn what_is_held_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let hold = Arc::new(RetentionHold::default());
    let retention = Retention { count: Some(1), ..Retention::default() };
    let store = FileStore::open(config(&dir, retention, &hold), ManualClock::at(0)).unwrap();
    let held = || {
        let mut registry = Registry::default();
        store.metrics().register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        Exposition::open_metrics(&text).value("tidings_store_held_bytes")
    };
    assert_eq!(held(), 0.0);

    fill(&store, &dir, 4).await;
    append(&store, "a", &["x"]).await;
    eventually("three segments to be held", || held() > 2.0 * SEGMENT_BYTES as f64).await;

    hold.release_through(wanted(&hold).await);
    eventually("them to leave", || held() == 0.0).await;
}

#[tokio::test]
async fn an_idle_log_is_emptied_by_age_once_it_is_released() {
    let dir = tempfile::tempdir().unwrap();
    let hold = Arc::new(RetentionHold::default());
    let clock = ManualClock::at(1_000);
    let retention = Retention { age: Some(Duration::from_millis(800)), ..Retention::default() };
    let store = FileStore::open(config(&dir, retention, &hold), clock.clone()).unwrap();
    append(&store, "a", &["1", "2"]).await;
    assert_eq!(hold.wanted_now(), None);

    clock.set(1_900);
    assert_eq!(wanted(&hold).await, Sequence(2));
    assert_eq!(store.bounds().earliest(), Sequence(1));
    hold.release_through(Sequence(2));

    eventually("the events to leave", || store.bounds().earliest() == Sequence(3)).await;
    eventually("their file to be removed", || segments(&dir) == 1).await;
}

#[tokio::test]
async fn a_release_within_a_segment_keeps_the_segment() {
    let dir = tempfile::tempdir().unwrap();
    let hold = Arc::new(RetentionHold::default());
    let retention = Retention { count: Some(1), ..Retention::default() };
    let store = FileStore::open(config(&dir, retention, &hold), ManualClock::at(0)).unwrap();
    fill(&store, &dir, 4).await;
    append(&store, "a", &["x"]).await;
    let last = wanted(&hold).await;

    hold.release_through(last.previous());
    hold.release_through(Sequence(1));
    append(&store, "a", &["x"]).await;
    append(&store, "a", &["x"]).await;

    assert_eq!(hold.released(), last.previous());
    let earliest = store.bounds().earliest();
    assert!(earliest > Sequence(1) && earliest <= last, "{earliest:?} of {last:?}");
    assert!(hold.wanted_now() >= Some(last));
}

#[tokio::test]
async fn without_a_hold_the_same_events_leave_as_with_one_that_releases_everything() {
    let ends = |hold: Option<Arc<RetentionHold>>| async move {
        let dir = tempfile::tempdir().unwrap();
        let retention = Retention { bytes: Some(3 * SEGMENT_BYTES), ..Retention::default() };
        let config = FileStoreConfig { hold, ..config(&dir, retention, &Arc::default()) };
        let store = FileStore::open(config, ManualClock::at(0)).unwrap();
        for _ in 0..100 {
            append(&store, "a", &[&"x".repeat(5_000)]).await;
        }
        store.close().await.unwrap();
        store.bounds().earliest()
    };
    let free = Arc::new(RetentionHold::default());
    free.release_through(Sequence(u64::MAX));

    let (without, with) = (ends(None).await, ends(Some(free.clone())).await);

    assert!(without > Sequence(1));
    assert_eq!(with, without);
    assert_eq!(free.wanted_now(), None);
}
