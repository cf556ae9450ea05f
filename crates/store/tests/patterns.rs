//! Reading with patterns where there are more topics than all could be compared: from the newest segment, whose index is in
//! memory, from those that have ended, and from both at once.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{draft, query_everything, read_all, selectors};
use tidings_core::{Event, Query, Selectors, Start, Store};
use tidings_store::{Durability, FileStore, FileStoreConfig};

fn open(dir: &Path, segment_bytes: u64) -> FileStore {
    let config = FileStoreConfig {
        dir: dir.to_owned(),
        durability: Durability::None,
        segment_bytes,
        ..FileStoreConfig::default()
    };
    FileStore::open(config, ManualClock::at(1_000)).unwrap()
}

fn count(dir: &Path, extension: &str) -> usize {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(extension)).count()
}

/// 6,000 events on about 4,800 topics, some of them reserved.
async fn fill(store: &FileStore) {
    for batch in 0..6 {
        let topic = |n: usize| match n % 10 {
            0 => format!("inbox/u{}", n / 20),
            1 => format!("users/u{}/seen", n / 50),
            2 if n % 300 == 2 => format!("orders/{n}/late"),
            _ => format!("orders/{n}/paid"),
        };
        let drafts = (batch * 1_000..(batch + 1) * 1_000).map(|n| draft(&topic(n), "x")).collect();
        store.append(drafts).await.unwrap();
    }
}

async fn check(store: &FileStore) {
    let events = read_all(store, query_everything(Start::Earliest)).await;
    assert_eq!(events.len(), 6_000);
    for texts in [
        &["orders/*/late"][..],
        &["**/late", "users/u7/*"],
        &["*/u7"],
        &["inbox/u7", "*/u8/**"],
        &["**/u7/seen"],
        &["orders/**"],
        &["*/*"],
        &["*/*", "inbox/*"],
        &["orders/*/lost"],
    ] {
        check_one(store, &events, selectors(texts)).await;
    }
}

async fn check_one(store: &FileStore, events: &[Event], selectors: Selectors) {
    let matching: Vec<_> =
        events.iter().filter(|event| selectors.matches(event.draft.topic())).cloned().collect();
    for (start, expected) in [
        (Start::Earliest, &matching[..]),
        (Start::Last(3), &matching[matching.len().saturating_sub(3)..]),
        (Start::Last(5_000), &matching[matching.len().saturating_sub(5_000)..]),
    ] {
        let query = Query { selectors: selectors.clone(), ..query_everything(start.clone()) };
        let found = read_all(store, query).await;
        assert!(found == expected, "{start:?} of {selectors:?}: {} of {}", found.len(), expected.len());
    }
}

#[tokio::test]
async fn patterns_find_the_same_in_memory_and_in_an_index() {
    for segment_bytes in [8_388_608, 131_072] {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path(), segment_bytes);
        fill(&store).await;
        let logs = count(dir.path(), ".log");
        assert_eq!(logs > 1, segment_bytes < 1_000_000);
        while count(dir.path(), ".idx") + 1 < logs {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }

        check(&store).await;
    }
}
