//! A directory of each format version, written once and committed, opens and reads the same for ever.
//!
//! A change of the format gets a new version and a directory of its own; the others stay. That of version 1 was written by a
//! hub of that version. Those of version 2 have the same records: `v2` is of before indexes had literals and segments a copy of the key, and
//! `v2-literals` is written by `src/file/trial/golden.rs`, which says how, and until when.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{append, at, draft, draft_with, page, query, read_all, selectors};
use tidings_core::{
    BatchPart, Cursor, Draft, DraftFields, Epoch, Event, IdempotencyKey, KeyFields, Lost, Placement, Reading,
    Sequence, Start, Store, UnixMillis,
};
use tidings_sse::EventId;
use tidings_store::{FileStore, FileStoreConfig};

/// The epoch of version 1.
const EPOCH: Epoch = Epoch(798_807_289_339);

/// The epochs of the five lives of version 2, and the last event of each.
const EPOCHS: [(Epoch, Sequence); 5] = [
    (Epoch(622_941_039_753), Sequence(3)),
    (Epoch(650_019_986_972), Sequence(4)),
    (Epoch(124_739_970_267), Sequence(10)),
    (Epoch(474_390_688_482), Sequence(12)),
    (Epoch(425_255_963_811), Sequence(13)),
];

fn committed(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(version)
}

/// Two appends; the second has an event larger than a segment, so there are three segments.
fn drafts() -> [Vec<Draft>; 3] {
    let all = DraftFields {
        event_type: Some("ping"),
        id: Some("msg1"),
        retry_ms: Some(6_000),
        key: Some(KeyFields { credential: "", key: "key-1" }),
    };
    let id = |id| DraftFields { id: Some(id), ..DraftFields::default() };
    [
        vec![
            draft_with("orders/42", "{\n  \"total\": 5\n}", all),
            draft("orders/43", ""),
            draft_with("https://example.com/\u{8ba2}\u{5355}", "\u{4f60}\u{597d} \u{1f4e8}", id("msg1")),
        ],
        vec![draft_with("large", &"tidings ".repeat(8_250), id("369"))],
        vec![draft_with("orders/42", "the last", id("369")), draft("orders/43", "line\r\nline\rline\0")],
    ]
}

fn events() -> Vec<Event> {
    let times = [1_000, 1_000, 1_000, 2_000, 3_000, 3_000].map(UnixMillis);
    let drafts = drafts().into_iter().flatten();
    let event = |((number, draft), time)| Event { cursor: Cursor::new(EPOCH, Sequence(number)), time, draft };
    (1..).zip(drafts).zip(times).map(event).collect()
}

fn open(dir: &Path, ms: u64) -> FileStore {
    let config = FileStoreConfig { dir: dir.to_owned(), segment_bytes: 65_536, ..FileStoreConfig::default() };
    FileStore::open(config, ManualClock::at(ms)).unwrap()
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

/// A copy of the directory, to be opened.
fn golden(version: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files(&committed(version)) {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

/// The indexes in a directory.
fn indexes(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    files(dir).into_iter().filter(|(name, _)| name.ends_with(".idx")).collect()
}

#[tokio::test]
async fn version_1_reads_as_it_was_written() {
    let dir = golden("v1");

    let store = open(dir.path(), 9_000);

    assert_eq!(store.bounds().head, Cursor::new(EPOCH, Sequence(6)));
    assert_eq!(read_all(&store, query(Start::Earliest, &["**"])).await, events());
    let orders: Vec<_> = [0, 4].map(|at| events()[at].clone()).into();
    assert_eq!(read_all(&store, query(Start::Earliest, &["orders/42"])).await, orders);
    assert_eq!(page(&store, query(Start::Since(UnixMillis(1_001)), &["**"])).await.after, at(&store, 3));
    for (id, selector, after) in [("msg1", "**", 1), ("msg1", "https://**", 3), ("369", "**", 4)] {
        let start = Start::AfterId(EventId::new(id).unwrap());
        assert_eq!(page(&store, query(start, &[selector])).await.after, at(&store, after), "{id}");
    }
}

#[tokio::test]
async fn version_1_is_gone_on_with() {
    let dir = golden("v1");

    let store = open(dir.path(), 9_000);
    let repeated = store.append(vec![drafts()[0][0].clone()]).await.unwrap();

    assert_eq!(repeated, [Placement::Repeated(at(&store, 1))]);
    assert_eq!(append(&store, "orders/42", &["another"]).await, at(&store, 7));
}

#[tokio::test]
async fn a_key_of_version_1_counts_for_every_credential() {
    let dir = golden("v1");
    let store = open(dir.path(), 9_000);
    let again = |credential, data| {
        let key = Some(KeyFields { credential, key: "key-1" });
        let (event_type, id, retry_ms) = (Some("ping"), Some("msg1"), Some(6_000));
        vec![draft_with("orders/42", data, DraftFields { event_type, id, retry_ms, key })]
    };
    let place = at(&store, 1);

    for credential in ["", "publish-key", "another"] {
        let same = store.append(again(credential, "{\n  \"total\": 5\n}")).await.unwrap();
        assert_eq!(same, [Placement::Repeated(place)], "{credential:?}");
        let other = store.append(again(credential, "other")).await.unwrap();
        assert_eq!(other, [Placement::KeyReused(place)], "{credential:?}");
    }
}

/// The events of version 2. Between them stand records that are none.
fn events_of_version_2() -> Vec<Event> {
    let ping = |id, key: Option<&'static str>| DraftFields {
        event_type: Some("ping"),
        id,
        retry_ms: Some(6_000),
        key: key.map(|key| KeyFields { credential: "", key }),
    };
    let later = DraftFields { event_type: Some("later"), id: Some("made-up"), retry_ms: Some(5), key: None };
    let id = |id| DraftFields { id: Some(id), ..DraftFields::default() };
    let key = IdempotencyKey::parse(KeyFields { credential: "me", key: "batch" }).unwrap();
    let part = BatchPart { before: 2, through: 3, digest: *b"0123456789abcdef", complete: true };
    let https = draft_with("https://example.com/\u{8ba2}\u{5355}", "\u{4f60}\u{597d} \u{1f4e8}", id("msg1"));
    let events = [
        (1, 1, draft_with("orders/42", "{\n  \"total\": 5\n}", ping(Some("msg1"), Some("key-1")))),
        (1, 2, draft("orders/43", "")),
        (1, 3, https),
        (2, 4, draft_with("large", &"tidings ".repeat(1_100), id("369"))),
        (3, 5, draft_with("orders/42", "the third life", id("369"))),
        (3, 7, draft_with("orders/42", "by a later version", later).ending_part(key, part)),
        (4, 11, draft("orders/43", "line\r\nline\rline\0")),
        (4, 12, draft_with("large", &"again ".repeat(1_500), ping(None, Some("key-2")))),
        (5, 13, draft_with("orders/42", "the last", id("7"))),
    ];
    let event = |(life, number, draft): (usize, u64, Draft)| Event {
        cursor: Cursor::new(EPOCHS[life - 1].0, Sequence(number)),
        time: UnixMillis(1_000 * life as u64),
        draft,
    };
    events.map(event).into()
}

/// Checks that a store has the events of version 2, whichever way it is asked, and perhaps some behind them.
async fn assert_version_2(store: &FileStore) {
    let all = events_of_version_2();
    let held = read_all(store, query(Start::Earliest, &["**"])).await;
    assert_eq!(held[..all.len()], all);
    for selector in ["orders/42", "orders/*", "large", "https://**"] {
        let expected: Vec<_> = held
            .iter()
            .filter(|event| selectors(&[selector]).matches(event.draft.topic()))
            .cloned()
            .collect();
        assert!(!expected.is_empty());
        assert_eq!(read_all(store, query(Start::Earliest, &[selector])).await, expected, "{selector}");
    }
    for (id, selector, after) in
        [("msg1", "**", 0), ("msg1", "https://**", 2), ("369", "**", 3), ("made-up", "**", 5), ("7", "**", 8)]
    {
        let start = Start::AfterId(EventId::new(id).unwrap());
        assert_eq!(page(store, query(start, &[selector])).await.after, all[after].cursor, "{id}");
    }
    let since = page(store, query(Start::Since(UnixMillis(3_001)), &["**"])).await;
    assert_eq!(since.events[..3], all[6..]);
}

/// Checks that the cursors of each epoch are good up to where it ended, and lead to a gap beyond.
async fn assert_cursors_of_version_2(store: &FileStore) {
    let all = events_of_version_2();
    for (epoch, last) in EPOCHS {
        for sequence in 0..=15 {
            let place = Cursor::new(epoch, Sequence(sequence));
            match store.read(query(Start::After(place), &["**"])).await.unwrap() {
                Reading::Page(page) => {
                    assert!(
                        page.after == place && place.sequence <= last,
                        "{place} is beyond the end of its epoch"
                    );
                    let next = all.iter().find(|event| event.cursor.sequence > place.sequence);
                    assert!(next.is_none() || page.events.first() == next);
                }
                Reading::Lost { lost, resumes_after } => {
                    assert!(place.sequence > last, "{place} is good, and the answer is a gap");
                    assert_eq!((lost, resumes_after.sequence), (Lost::OtherEpoch, last));
                }
            }
        }
    }
}

#[tokio::test]
async fn version_2_reads_as_it_was_written() {
    for version in ["v2", "v2-literals"] {
        let dir = golden(version);

        let store = open(dir.path(), 9_000);

        assert_eq!(store.bounds().head, Cursor::new(EPOCHS[4].0, Sequence(13)));
        assert_version_2(&store).await;
        assert_cursors_of_version_2(&store).await;
    }
}

#[tokio::test]
async fn version_2_is_gone_on_with() {
    let dir = golden("v2");
    let all = events_of_version_2();

    let store = open(dir.path(), 9_000);
    for known in [&all[0], &all[7]] {
        let repeated = store.append(vec![known.draft.clone()]).await.unwrap();
        assert_eq!(repeated, [Placement::Repeated(known.cursor)]);
    }
    let place = append(&store, "orders/42", &["another"]).await;
    store.close().await.unwrap();

    assert_eq!(place.sequence, Sequence(14));
    assert!(EPOCHS.iter().all(|(epoch, _)| *epoch != place.epoch));
    let store = open(dir.path(), 9_000);
    assert_version_2(&store).await;
    assert_cursors_of_version_2(&store).await;
    let last = read_all(&store, query(Start::Last(1), &["**"])).await;
    assert_eq!(last.iter().map(|event| event.cursor).collect::<Vec<_>>(), [place]);
}

#[tokio::test]
async fn indexes_are_used_and_not_made_anew() {
    for (version, count) in [("v1", 2), ("v2", 4), ("v2-literals", 4)] {
        let (dir, before) = (golden(version), indexes(&committed(version)));
        assert_eq!(before.len(), count);
        let modified = || {
            let names = before.keys().map(|name| fs::metadata(dir.path().join(name)).unwrap());
            names.map(|metadata| metadata.modified().unwrap()).collect::<Vec<_>>()
        };
        let times = modified();

        let store = open(dir.path(), 9_000);
        store.close().await.unwrap();

        assert_eq!(indexes(dir.path()), before, "{version}");
        assert_eq!(modified(), times, "{version}");
    }
}

#[tokio::test]
async fn the_same_indexes_are_made_anew_from_the_segments() {
    for (version, made) in [("v1", "v1"), ("v2", "v2-literals"), ("v2-literals", "v2-literals")] {
        let (dir, expected) = (golden(version), indexes(&committed(made)));
        expected.keys().for_each(|name| fs::remove_file(dir.path().join(name)).unwrap());

        let store = open(dir.path(), 9_000);
        if version != "v1" {
            assert_version_2(&store).await;
        }
        store.close().await.unwrap();

        assert_eq!(indexes(dir.path()), expected, "{version}");
    }
}
