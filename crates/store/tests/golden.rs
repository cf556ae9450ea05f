//! A directory of format version 1, written once and committed, opens and reads the same for ever.
//!
//! `TIDINGS_GOLDEN=write cargo test -p tidings-store --test golden` writes it, if it is not there. A change of the
//! format gets a new version and a directory of its own; this one stays.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{append, at, draft, draft_with, page, query, read_all};
use tidings_core::{Cursor, Draft, DraftFields, Epoch, Event, Placement, Sequence, Start, Store, UnixMillis};
use tidings_sse::EventId;
use tidings_store::{FileStore, FileStoreConfig};

const EPOCH: Epoch = Epoch(798_807_289_339);

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

/// Two appends; the second has an event larger than a segment, so there are three segments.
fn drafts() -> [Vec<Draft>; 3] {
    let all = DraftFields {
        event_type: Some("ping"),
        id: Some("msg1"),
        retry_ms: Some(6_000),
        key: Some("key-1".into()),
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

async fn write(dir: &Path) {
    for (drafts, ms) in drafts().into_iter().zip([1_000, 2_000, 3_000]) {
        let store = open(dir, ms);
        store.append(drafts).await.unwrap();
        store.close().await.unwrap();
    }
    fs::remove_file(dir.join("LOCK")).unwrap();
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

/// A copy of the directory, to be opened.
async fn golden() -> TempDir {
    if std::env::var("TIDINGS_GOLDEN").is_ok_and(|word| word == "write") && !committed().exists() {
        write(&committed()).await;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files(&committed()) {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

#[tokio::test]
async fn version_1_reads_as_it_was_written() {
    let dir = golden().await;

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
    let dir = golden().await;

    let store = open(dir.path(), 9_000);
    let repeated = store.append(vec![drafts()[0][0].clone()]).await.unwrap();

    assert_eq!(repeated, [Placement::Repeated(at(&store, 1))]);
    assert_eq!(append(&store, "orders/42", &["another"]).await, at(&store, 7));
}

#[tokio::test]
async fn indexes_of_version_1_are_used_and_not_made_anew() {
    let dir = golden().await;
    let before = files(&committed());

    let store = open(dir.path(), 9_000);
    store.close().await.unwrap();

    let after = files(dir.path());
    let sealed: Vec<_> = before.keys().filter(|name| name.ends_with(".idx")).collect();
    assert_eq!(sealed.len(), 2);
    assert!(sealed.into_iter().all(|name| before[name] == after[name]));
}

#[tokio::test]
async fn the_same_indexes_are_made_anew_from_the_segments() {
    let dir = golden().await;
    let before = files(&committed());
    for name in before.keys().filter(|name| name.ends_with(".idx")) {
        fs::remove_file(dir.path().join(name)).unwrap();
    }

    open(dir.path(), 9_000).close().await.unwrap();

    let after = files(dir.path());
    assert!(
        before.iter().filter(|(name, _)| name.ends_with(".idx")).all(|(name, bytes)| after[name] == *bytes)
    );
}
