//! The file store from outside, beyond the contract: its directory, its lock, retention, durability, sizes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{append, at, draft, draft_with, page, query, read_all, texts};
use tidings_core::{
    BatchPart, BatchProgress, Clock, DraftFields, IdempotencyKey, KeyFields, Lost, Placement, Query, Reading,
    Sequence, Start, Store, UnixMillis,
};
use tidings_sse::EventId;
use tidings_store::{Durability, FileStore, FileStoreConfig, OpenError, Retention};

const SEGMENT_BYTES: u64 = 65_536;

fn config(dir: &TempDir) -> FileStoreConfig {
    FileStoreConfig {
        dir: dir.path().join("data"),
        segment_bytes: SEGMENT_BYTES,
        ..FileStoreConfig::default()
    }
}

fn open(config: FileStoreConfig) -> FileStore {
    FileStore::open(config, ManualClock::at(1_000)).unwrap()
}

fn names(dir: &TempDir, extension: &str) -> Vec<String> {
    let entries = fs::read_dir(dir.path().join("data")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(extension)).collect();
    names.sort();
    names
}

/// Waits, without a clock, until something is so.
async fn eventually(what: &str, so: impl Fn() -> bool) {
    for _ in 0..10_000_000 {
        if so() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("waited in vain for {what}");
}

/// Appends events of a topic until so many segments were begun.
async fn fill(store: &FileStore, dir: &TempDir, segments: usize) {
    while names(dir, ".log").len() < segments {
        append(store, "a", &[&"x".repeat(5_000)]).await;
    }
}

#[tokio::test]
async fn a_second_store_on_the_directory_is_refused_and_told_by_whom() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(config(&dir));

    let refused = FileStore::open(config(&dir), ManualClock::at(0)).err().unwrap();

    assert_eq!(
        refused.to_string(),
        format!("{} is in use by process {}", dir.path().join("data").display(), std::process::id())
    );
    assert_eq!(refused.hint(), "end the other hub, or give this one a directory of its own");
    first.close().await.unwrap();
    open(config(&dir));
}

#[tokio::test]
async fn a_dropped_store_has_let_go_of_its_directory_and_lost_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(FileStoreConfig { durability: Durability::None, ..config(&dir) });
    append(&store, "a", &["1"]).await;

    drop(store);

    assert_eq!(open(config(&dir)).bounds().head.sequence, Sequence(1));
}

#[test]
fn a_directory_that_cannot_be_made_is_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("data"), "a file").unwrap();

    let refused = FileStore::open(config(&dir), ManualClock::at(0)).err().unwrap();

    assert!(matches!(&refused, OpenError::Io { file, .. } if file.ends_with("data")), "{refused}");
}

#[tokio::test]
async fn an_event_larger_than_a_segment_is_kept_and_so_are_its_neighbours() {
    let dir = tempfile::tempdir().unwrap();
    let large = "x".repeat(1_048_576);
    let store = open(config(&dir));

    append(&store, "a", &[&large]).await;
    append(&store, "a", &["small"]).await;
    append(&store, "a", &[&large, &large]).await;
    append(&store, "a", &["small"]).await;
    store.close().await.unwrap();

    let store = open(config(&dir));
    let lengths: Vec<_> = read_all(&store, query(Start::Earliest, &["a"]))
        .await
        .iter()
        .map(|event| event.draft.data().len())
        .collect();
    assert_eq!(lengths, [1_048_576, 5, 1_048_576, 1_048_576, 5]);
}

#[tokio::test]
async fn a_closed_store_takes_no_more_space_than_its_events() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(FileStoreConfig { segment_bytes: 8_388_608, ..config(&dir) });
    append(&store, "a", &["1"]).await;
    let log = dir.path().join("data").join(&names(&dir, ".log")[0]);
    assert!(fs::metadata(&log).unwrap().len() >= 8_388_608);

    store.close().await.unwrap();

    assert!(fs::metadata(&log).unwrap().len() < 200);
}

#[tokio::test]
async fn every_start_leads_to_the_same_place_in_memory_and_in_an_index() {
    let dir = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(0);
    let store = FileStore::open(config(&dir), clock.clone()).unwrap();
    for number in 0..400_u64 {
        clock.set(1_000 + number / 3);
        let (topic, id) = (format!("t/{}", number % 7), format!("id-{}", number % 150));
        let fields = DraftFields { id: Some(&id), ..DraftFields::default() };
        store.append(vec![draft_with(&topic, &"x".repeat(1_000), fields)]).await.unwrap();
    }
    eventually("indexes", || names(&dir, ".idx").len() + 1 == names(&dir, ".log").len()).await;
    let everything = read_all(&store, query(Start::Earliest, &["**"])).await;

    for selector in ["t/3", "t/*", "**", "t/3/*"] {
        let selectors = query(Start::Earliest, &[selector]).selectors;
        let matching: Vec<_> =
            everything.iter().filter(|event| selectors.matches(event.draft.topic())).cloned().collect();
        for count in [1, 10, 50, 1_000] {
            let last = read_all(&store, query(Start::Last(count), &[selector])).await;
            assert_eq!(last, matching[matching.len().saturating_sub(count)..], "last {count} of {selector}");
        }
        for ms in [0, 1_000, 1_050, 1_133, 1_134] {
            let since = read_all(&store, query(Start::Since(UnixMillis(ms)), &[selector])).await;
            let from = matching.partition_point(|event| event.time < UnixMillis(ms));
            assert_eq!(since, matching[from..], "since {ms} of {selector}");
        }
        for number in 0..150 {
            let id = EventId::new(format!("id-{number}")).unwrap();
            let first = matching.iter().find(|event| event.draft.id() == Some(&id));
            let reading = store.read(query(Start::AfterId(id), &[selector])).await.unwrap();
            match (first, reading) {
                (Some(first), Reading::Page(page)) => assert_eq!(page.after, first.cursor),
                (None, Reading::Lost { lost: Lost::Unknown, .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_selection_of_topics_in_small_pages_misses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(config(&dir));
    for number in 0..3_000 {
        let topic = format!("t/{}", (number * number) % 23);
        store.append(vec![draft(&topic, &number.to_string())]).await.unwrap();
    }
    let everything = read_all(&store, query(Start::Earliest, &["**"])).await;

    for selectors in [&["t/0", "t/1", "t/2"][..], &["t/4"], &["t/*"], &["t/1", "t/2/**"], &["t/5", "t/none"]]
    {
        let some = query(Start::Earliest, selectors);
        let expected: Vec<_> =
            everything.iter().filter(|event| some.selectors.matches(event.draft.topic())).cloned().collect();
        for events_max in [1, 3, 70, 500] {
            let read = read_all(&store, Query { events_max, ..some.clone() }).await;
            assert_eq!(read, expected, "{selectors:?} by {events_max}");
        }
    }
}

#[tokio::test]
async fn a_page_stays_bounded_when_nothing_matches() {
    let dir = tempfile::tempdir().unwrap();
    let store =
        open(FileStoreConfig { durability: Durability::None, segment_bytes: 67_108_864, ..config(&dir) });
    // More topics than are compared with a pattern that has no literal, and more records than the budget of a page.
    for first in (0..220_000).step_by(4_000) {
        let drafts =
            (first..first + 4_000).map(|number| draft(&format!("t/{}", number % 2_000), "")).collect();
        store.append(drafts).await.unwrap();
    }

    let first = page(&store, query(Start::Earliest, &["*/*/*"])).await;

    assert_eq!(first.events, []);
    let next = first.next.sequence;
    assert!(next > Sequence(10_000) && next < first.head.sequence, "{next:?}");
    assert_eq!(read_all(&store, query(Start::Earliest, &["*/*/*"])).await, []);
    // One look tells that no topic has the literal.
    let none = page(&store, query(Start::Earliest, &["none/**"])).await;
    assert_eq!((none.events, none.next), (vec![], first.head));
    assert_eq!(read_all(&store, query(Start::Earliest, &["*/77"])).await.len(), 110);
}

#[tokio::test]
async fn retention_by_bytes_keeps_the_newest_segments() {
    let dir = tempfile::tempdir().unwrap();
    let retention = Retention { bytes: Some(3 * SEGMENT_BYTES), ..Retention::default() };
    let store = open(FileStoreConfig { retention, ..config(&dir) });

    for _ in 0..100 {
        append(&store, "a", &[&"x".repeat(5_000)]).await;
    }
    store.close().await.unwrap();

    let bytes: u64 = names(&dir, ".log")
        .iter()
        .map(|name| fs::metadata(dir.path().join("data").join(name)).unwrap().len())
        .sum();
    assert!(bytes <= 4 * SEGMENT_BYTES, "{bytes}");
    let bounds = store.bounds();
    assert!(bounds.head == at(&store, 100) && bounds.earliest() > Sequence(50), "{bounds:?}");
}

#[tokio::test]
async fn retention_by_age_empties_an_idle_log() {
    let dir = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(1_000);
    let retention = Retention { age: Some(Duration::from_millis(800)), ..Retention::default() };
    let config = FileStoreConfig { retention, ..config(&dir) };
    let store = FileStore::open(config.clone(), clock.clone()).unwrap();
    append(&store, "a", &["1", "2"]).await;

    clock.set(1_900);
    eventually("the events to leave", || store.bounds().earliest() == Sequence(3)).await;

    let expired = Reading::Lost { lost: Lost::Expired, resumes_after: at(&store, 2) };
    assert_eq!(store.read(query(Start::After(at(&store, 0)), &["a"])).await.unwrap(), expired);
    let since = |ms| query(Start::Since(UnixMillis(ms)), &["a"]);
    assert_eq!(store.read(since(1_000)).await.unwrap(), expired);
    assert_eq!(page(&store, since(1_001)).await.after, at(&store, 2));
    store.close().await.unwrap();
    let store = FileStore::open(config, clock).unwrap();
    assert_eq!((store.bounds().earliest(), store.bounds().head.sequence), (Sequence(3), Sequence(2)));
    assert_eq!(append(&store, "a", &["3"]).await, at(&store, 3));
}

#[tokio::test]
async fn a_reader_goes_on_while_what_it_reads_leaves() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(FileStoreConfig {
        retention: Retention { count: Some(10), ..Retention::default() },
        ..config(&dir)
    }));
    let reader = {
        let store = store.clone();
        tokio::spawn(async move {
            let mut pages = 0;
            while store.bounds().head.sequence < Sequence(600) {
                match store.read(query(Start::Earliest, &["a"])).await.unwrap() {
                    Reading::Page(page) => {
                        assert!(page.events.is_sorted_by_key(|event| event.cursor.sequence));
                    }
                    other => panic!("{other:?}"),
                }
                pages += 1;
            }
            pages
        })
    };

    for _ in 0..600 {
        append(&*store, "a", &[&"x".repeat(5_000)]).await;
    }

    assert!(reader.await.unwrap() > 0);
    assert!(store.bounds().earliest() > Sequence(500));
}

#[tokio::test]
async fn an_interval_is_kept_without_further_appends() {
    let dir = tempfile::tempdir().unwrap();
    let durability = Durability::Interval(Duration::from_millis(1));
    let store = open(FileStoreConfig { durability, ..config(&dir) });

    assert_eq!(append(&store, "a", &["1"]).await, at(&store, 1));
    assert_eq!(append(&store, "a", &["2"]).await, at(&store, 2));

    store.close().await.unwrap();
    assert_eq!(open(config(&dir)).bounds().head.sequence, Sequence(2));
}

#[tokio::test]
async fn a_key_that_left_with_its_event_is_free_again() {
    let dir = tempfile::tempdir().unwrap();
    let retention = Retention { count: Some(1), ..Retention::default() };
    let store = open(FileStoreConfig { retention, ..config(&dir) });
    let keyed = draft_with("a", "once", DraftFields { key: Some("k".into()), ..DraftFields::default() });
    store.append(vec![keyed.clone()]).await.unwrap();

    while store.bounds().earliest() == Sequence(1) {
        append(&store, "a", &[&"x".repeat(5_000)]).await;
    }

    let head = store.bounds().head;
    assert_eq!(store.append(vec![keyed]).await.unwrap(), [Placement::New(head.next())]);
}

#[tokio::test]
async fn a_batch_of_many_parts_is_known_by_its_newest_across_segments_and_starts() {
    let dir = tempfile::tempdir().unwrap();
    let key = IdempotencyKey::parse(KeyFields { credential: "me", key: "k" }).unwrap();
    let part = |number: u64, digest: u8| {
        let part =
            BatchPart { before: number - 1, through: number, digest: [digest; 16], complete: number == 100 };
        vec![draft("a", &"x".repeat(3_000)).ending_part(key.clone(), part)]
    };
    let store = open(config(&dir));
    for number in 1..=100 {
        assert_eq!(store.append(part(number, 7)).await.unwrap(), [Placement::New(at(&store, number))]);
    }
    let last = store.bounds().head;
    store.close().await.unwrap();
    drop(store);
    assert!(names(&dir, ".log").len() > 3);

    let store = open(config(&dir));

    let progress = BatchProgress { through: 100, digest: [7; 16], complete: true, last };
    assert_eq!(store.append(part(1, 0)).await.unwrap(), [Placement::BatchAt(progress)]);
    assert_eq!(store.append(part(50, 0)).await.unwrap(), [Placement::BatchAt(progress)]);
}

#[tokio::test]
async fn keys_are_remembered_across_segments_and_starts() {
    let dir = tempfile::tempdir().unwrap();
    let keyed = |number: u64| {
        let key = format!("key-{number}");
        draft_with(
            "a",
            &"x".repeat(3_000),
            DraftFields { key: Some(key.as_str().into()), ..DraftFields::default() },
        )
    };
    let store = open(config(&dir));
    for number in 1..=100 {
        store.append(vec![keyed(number)]).await.unwrap();
    }
    store.close().await.unwrap();

    let store = open(config(&dir));

    for number in [1, 50, 99, 100] {
        let again = store.append(vec![keyed(number)]).await.unwrap();
        assert_eq!(again, [Placement::Repeated(at(&store, number))]);
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_a_gap_of_one_event() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(config(&dir));
    fill(&store, &dir, 3).await;
    store.close().await.unwrap();
    let first = dir.path().join("data").join(&names(&dir, ".log")[0]);
    flip(&first, 5_500);

    let store = open(config(&dir));
    let Reading::Page(page) = store.read(query(Start::Earliest, &["a"])).await.unwrap() else {
        panic!("what is before it can be read")
    };
    let gap = store.read(query(Start::After(page.next), &["a"])).await.unwrap();

    let resumes_after = page.next.next();
    assert_eq!(gap, Reading::Lost { lost: Lost::Damaged, resumes_after });
    let rest = store.read(query(Start::After(resumes_after), &["a"])).await.unwrap();
    assert!(matches!(rest, Reading::Page(page) if !page.events.is_empty()));
    assert_eq!(store.damage(), [resumes_after.sequence..=resumes_after.sequence]);
}

#[tokio::test]
async fn a_corrupt_log_is_refused_by_strict_recovery_with_file_offset_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(config(&dir));
    append(&store, "a", &["1", "2", "3"]).await;
    append(&store, "a", &["4"]).await;
    store.close().await.unwrap();
    flip(&dir.path().join("data").join(&names(&dir, ".log")[0]), 110);

    let strict = FileStoreConfig { strict_recovery: true, ..config(&dir) };
    let error = FileStore::open(strict, ManualClock::at(0)).err().unwrap();

    assert_eq!(
        error.to_string(),
        "the log is corrupt: 00000000000000000001.log at byte 110: \
         the record's tag is not one of this log's; the store was closed after event 4"
    );
    assert!(error.hint().contains("backup"));
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_clock_that_is_behind_the_log_does_not_turn_time_back() {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::open(config(&dir), ManualClock::at(5_000)).unwrap();
    append(&store, "a", &["1"]).await;
    store.close().await.unwrap();

    let behind: Arc<dyn Clock> = ManualClock::at(10);
    let store = FileStore::open(config(&dir), behind).unwrap();
    append(&store, "a", &["2"]).await;

    let events = read_all(&store, query(Start::Earliest, &["a"])).await;
    assert_eq!(texts(&events), ["1", "2"]);
    assert!(events.iter().all(|event| event.time == UnixMillis(5_000)));
}
