//! Where the newest events of a selector begin in the file store, with reserved topics among them: `**` does not match
//! these, and the store neither counts them nor asks an index for all others.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

use tempfile::TempDir;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{draft, page, query_everything, read_all, selectors};
use tidings_core::{Event, Query, Selectors, Sequence, Start, Store};
use tidings_store::{Durability, FileStore, FileStoreConfig};

/// Records of a page that are looked at, and records that a search for the newest events looks at.
const RECORDS_LOOKED_AT: usize = 65_536;

fn open(dir: &TempDir) -> FileStore {
    let config = FileStoreConfig {
        dir: dir.path().join("data"),
        durability: Durability::None,
        segment_bytes: 65_536,
        ..FileStoreConfig::default()
    };
    FileStore::open(config, ManualClock::at(1_000)).unwrap()
}

/// Checks where the newest events of some selectors begin, against a list of all events.
async fn check(store: &FileStore, events: &[Event], selectors: Selectors, counts: &[usize]) {
    let matching: Vec<_> = events.iter().filter(|event| selectors.matches(event.draft.topic())).collect();
    for count in counts {
        let first = matching.len().checked_sub(*count).map_or(Sequence(1), |at| matching[at].cursor.sequence);
        let query = Query { selectors: selectors.clone(), ..query_everything(Start::Last(*count)) };

        let found = page(store, query).await.after.sequence;

        assert_eq!(found, first.previous(), "last {count} of {selectors:?}");
    }
}

#[tokio::test]
async fn the_newest_events_are_counted_across_segments_without_reserved_topics() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    for batch in 0..40_usize {
        // Long runs of reserved topics, and short ones.
        let topic = |number: usize| match (batch % 7, number % 5) {
            (6, _) | (_, 1) => format!("inbox/{}", number % 9),
            (_, 2) => format!("tidings/{batch}"),
            (_, 3) => "inbox".to_owned(),
            (_, other) => format!("t/{other}"),
        };
        store.append((0..100).map(|number| draft(&topic(number), &"x".repeat(100))).collect()).await.unwrap();
    }
    let events = read_all(&store, query_everything(Start::Earliest)).await;
    assert_eq!(events.len(), 4_000);

    let counts = [1, 2, 3, 50, 60, 61, 300, 1_000, 1_001, 2_040, 2_041, 3_999, 4_000, 4_001, 100_000];
    for texts in
        [&["**"][..], &["**", "inbox/3"], &["**", "**/0"], &["**/*"], &["*/0"], &["inbox/*"], &["t/**"]]
    {
        check(&store, &events, selectors(texts), &counts).await;
    }
    check(&store, &events, Selectors::everything(), &counts).await;
}

#[tokio::test]
async fn the_newest_events_are_found_behind_more_reserved_ones_than_are_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let batches = RECORDS_LOOKED_AT / 1_000 + 5;
    store.append((0..10).map(|_| draft("t/a", "x")).collect()).await.unwrap();
    for _ in 0..batches {
        store
            .append((0..1_000).map(|number| draft(&format!("inbox/{}", number % 3), "x")).collect())
            .await
            .unwrap();
    }
    store.append(vec![draft("t/b", "x")]).await.unwrap();
    let events = read_all(&store, query_everything(Start::Earliest)).await;
    assert_eq!(events.len(), 11 + batches * 1_000);

    check(&store, &events, selectors(&["**"]), &[1, 2, 3, 11, 12]).await;
}

#[tokio::test]
async fn large_events_are_found_that_are_more_bytes_than_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    for number in 0..40 {
        let topic = if number % 8 == 0 { "t/a" } else { "inbox/a" };
        store.append(vec![draft(topic, &"x".repeat(1_000_000))]).await.unwrap();
    }
    let (mut events, mut query) = (Vec::new(), query_everything(Start::Earliest));
    query.events_max = 1;
    events.extend(read_all(&store, query).await);
    assert_eq!(events.len(), 40);

    check(&store, &events, selectors(&["**"]), &[1, 2, 4, 5, 6]).await;
}
