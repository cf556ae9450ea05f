//! Directories that no hub of this version has left: of other versions, of other kinds, put together from two. Each is read if
//! that is right, or refused with a sentence that says what is there and what is read; what is refused is not changed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{append, query, read_all};
use tidings_core::{Cursor, Epoch, Event, Lost, Reading, Sequence, Start, Store};
use tidings_store::{FileStore, FileStoreConfig, OpenError};

const NEWEST: [(&str, &str); 2] = [("v1", "00000000000000000005.log"), ("v2", "00000000000000000013.log")];
const FIRST: &str = "00000000000000000001.log";
const INDEX: &str = "00000000000000000001.idx";

fn golden(version: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(version);
    for (name, bytes) in files(&committed) {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

/// All files but `LOCK`, which each start writes.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    let entries = entries.filter(|entry| entry.file_type().unwrap().is_file());
    let files = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .filter(|(name, _)| name != "LOCK");
    files.collect()
}

fn open(dir: &TempDir) -> Result<FileStore, OpenError> {
    open_with(dir, false)
}

fn open_with(dir: &TempDir, strict_recovery: bool) -> Result<FileStore, OpenError> {
    let (dir, segment_bytes) = (dir.path().to_owned(), 65_536);
    let config = FileStoreConfig { dir, segment_bytes, strict_recovery, ..FileStoreConfig::default() };
    FileStore::open(config, ManualClock::at(9_000))
}

/// Changes a file.
fn change(dir: &TempDir, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let path = dir.path().join(name);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Checks that a directory is refused with a sentence, and not changed.
fn assert_refused(dir: &TempDir, sentence: &str) {
    assert_refused_with(dir, false, sentence);
    assert_refused_with(dir, true, sentence);
}

fn assert_refused_with(dir: &TempDir, strict_recovery: bool, sentence: &str) {
    let before = files(dir.path());

    let refused = open_with(dir, strict_recovery).map(drop).unwrap_err();

    assert_eq!(refused.to_string(), sentence);
    let after = files(dir.path());
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    let changed: Vec<_> = before.keys().filter(|name| before[*name] != after[*name]).collect();
    assert!(changed.is_empty(), "{sentence}; and yet {changed:?} were changed");
}

/// Writes `META` with its checksum.
fn write_meta(dir: &TempDir, body: &str) {
    let text = format!("{body}crc32c {:08x}\n", crc32c::crc32c(body.as_bytes()));
    fs::write(dir.path().join("META"), text).unwrap();
}

/// The line of `META` with the key.
fn key_line(version: &str) -> String {
    let text = fs::read_to_string(golden(version).path().join("META")).unwrap();
    text.lines().find(|line| line.starts_with("hash ")).unwrap().to_owned()
}

#[test]
fn a_meta_of_a_later_version_is_refused_by_its_number() {
    for version in ["v1", "v2"] {
        let dir = golden(version);
        write_meta(&dir, &format!("tidings 3\n{}\nsomething new\n", key_line(version)));

        assert_refused(
            &dir,
            "the log is corrupt: META at byte 0: it has format \"3\", and this version reads 1 to 2",
        );
    }
}

#[test]
fn a_segment_of_a_later_version_is_refused_by_its_number() {
    for (version, newest) in NEWEST {
        for name in [FIRST, newest] {
            for format in [0, 3, 255] {
                let dir = golden(version);
                change(&dir, name, |bytes| {
                    bytes[12] = format;
                    let checksum = crc32c::crc32c(&bytes[12..64]);
                    bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
                });

                assert_refused(
                    &dir,
                    &format!(
                        "the log is corrupt: {name} at byte 12: it has format {format}, and this version reads 1 to 2"
                    ),
                );
            }
        }
    }
}

/// Nothing is in an index that is not in its segment.
#[tokio::test]
async fn an_index_of_another_version_is_made_anew() {
    for version in ["v1", "v2-literals"] {
        for format in [0, 1, 2, 3, 255] {
            let dir = golden(version);
            let before = files(dir.path());
            change(&dir, INDEX, |bytes| {
                bytes[8] = format;
                let place = [1_u64.to_le_bytes(), 0_u64.to_le_bytes()].concat();
                let checksum = crc32c::crc32c_append(crc32c::crc32c(&place), &bytes[..4_092]);
                bytes[4_092..].copy_from_slice(&checksum.to_le_bytes());
            });

            let store = open(&dir).unwrap();
            let held = read_all(&store, query(Start::Earliest, &["**"])).await;
            store.close().await.unwrap();

            assert_eq!(files(dir.path())[INDEX], before[INDEX], "{version}, index of version {format}");
            assert_eq!(held, events(version).await);
        }
    }
}

async fn events(version: &str) -> Vec<Event> {
    let store = open(&golden(version)).unwrap();
    read_all(&store, query(Start::Earliest, &["**"])).await
}

#[test]
fn a_meta_of_another_kind_is_refused() {
    let utf_16: Vec<u8> = "tidings 2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let long = format!("tidings 2\n{}", "hash ".repeat(1_000));
    let unchecked = format!("tidings 2\n{}\nclosed 13\ncrc32c 00000000\n", key_line("v2"));
    for (content, what) in [
        (&b""[..], "it has no line `tidings` in its place"),
        (b"\n", "it has no line `tidings` in its place"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "it has no line `tidings` in its place"),
        (b"\xff\xfe\xfd", "it is not text"),
        (&utf_16, "it has no line `tidings` in its place"),
        (b"tidings\n", "it has no line `tidings` in its place"),
        (b"tidings two\n", "it has format \"two\", and this version reads 1 to 2"),
        (b"tidings 1\nhash 0\n", "it has no line `epoch` in its place"),
        (b"tidings 2\nepoch 1\n", "it has no line `hash` in its place"),
        (b"tidings 2\nhash 0\n", "its hash key is not 32 digits"),
        (long.as_bytes(), "its hash key is not 32 digits"),
        (unchecked.as_bytes(), "its checksum is not that of its text"),
    ] {
        let dir = golden("v2");
        fs::write(dir.path().join("META"), content).unwrap();

        assert_refused(&dir, &format!("the log is corrupt: META at byte 0: {what}"));
    }
}

#[test]
fn a_directory_in_the_place_of_meta_is_refused_by_its_name() {
    let dir = golden("v2");
    fs::remove_file(dir.path().join("META")).unwrap();
    fs::create_dir(dir.path().join("META")).unwrap();

    let refusal = format!("{} holds \"META\", a directory that is no store's", dir.path().display());
    assert_refused(&dir, &refusal);
}

/// Such a directory comes about when an old `META` is put back.
#[tokio::test]
async fn segments_of_version_2_are_read_beside_a_meta_of_version_1() {
    let expected = events("v2").await;
    // The first epoch of the log, the last, and one that never was.
    for epoch in [622_941_039_753_u64, 425_255_963_811, 42] {
        for life in ["closed 13", "closed 4", "open fsync ?", "open later b-1"] {
            let dir = golden("v2");
            write_meta(&dir, &format!("tidings 1\nepoch {epoch}\n{}\n{life}\n", key_line("v2")));

            let store = open(&dir).unwrap();
            assert_eq!(read_all(&store, query(Start::Earliest, &["**"])).await, expected);
            assert_first_epoch_ended(&store).await;
            let place = append(&store, "a", &["another"]).await;
            store.close().await.unwrap();

            assert!(expected.iter().all(|event| event.cursor.epoch != place.epoch), "{epoch}, {life}");
            let store = open(&dir).unwrap();
            assert_first_epoch_ended(&store).await;
            assert_eq!(read_all(&store, query(Start::Earliest, &["**"])).await[..9], expected);
        }
    }
}

/// Checks that the first epoch of version 2 ended with event 3, whatever `META` says.
async fn assert_first_epoch_ended(store: &FileStore) {
    let place = |sequence| Cursor::new(Epoch(622_941_039_753), Sequence(sequence));
    let good = store.read(query(Start::After(place(3)), &["**"])).await.unwrap();
    assert!(matches!(good, Reading::Page(page) if page.after == place(3)));
    match store.read(query(Start::After(place(4)), &["**"])).await.unwrap() {
        Reading::Lost { lost, resumes_after } => {
            assert_eq!((lost, resumes_after.sequence), (Lost::OtherEpoch, Sequence(3)));
        }
        Reading::Page(page) => {
            panic!("event 4 was never one of the first epoch, and what follows is {page:?}")
        }
    }
}

/// Such a directory is what the first start of this version leaves if nothing is published.
#[tokio::test]
async fn segments_of_version_1_are_read_beside_a_meta_of_version_2() {
    let expected = events("v1").await;
    for life in ["closed 6", "closed 4", "open fsync ?", "open later b-1", "failed 5 6"] {
        let dir = golden("v1");
        write_meta(&dir, &format!("tidings 2\n{}\n{life}\n", key_line("v1")));

        let store = open(&dir).unwrap();

        assert_eq!(read_all(&store, query(Start::Earliest, &["**"])).await, expected, "{life}");
        assert_eq!(append(&store, "a", &["another"]).await.sequence, Sequence(7));
    }
}

#[test]
fn a_log_that_is_shorter_than_a_meta_of_either_version_says_is_refused_by_strict_recovery_and_has_a_hole() {
    for (version, newest) in NEWEST {
        for begin in ["tidings 1\nepoch 42\n", "tidings 2\n"] {
            for (life, then) in [("closed 20", "the store was closed"), ("failed 20 30", "a sync failed")] {
                let dir = golden(version);
                write_meta(&dir, &format!("{begin}{}\n{life}\n", key_line(version)));
                let end = fs::metadata(dir.path().join(newest)).unwrap().len();

                let sentence = format!(
                    "the log is corrupt: {newest} at byte {end}: the record ends early; {then} after event 20"
                );
                assert_refused_with(&dir, true, &sentence);
                let store = open(&dir).unwrap();
                assert_eq!(store.bounds().head.sequence, Sequence(20));
                assert_eq!(store.damage().last().map(|hole| *hole.end()), Some(Sequence(20)));
            }
        }
    }
}

/// Without a look at the key, no record would be one of this log's, and all of them would be cut off.
#[test]
fn a_log_whose_meta_has_another_key_is_refused_and_not_cut() {
    for alone in [true, false] {
        for life in ["open fsync ?", "open later ?", "closed 0"] {
            let dir = golden("v2");
            if alone {
                for name in files(dir.path()).into_keys().filter(|name| !["META", FIRST].contains(&&**name)) {
                    fs::remove_file(dir.path().join(name)).unwrap();
                }
            }
            write_meta(&dir, &format!("tidings 2\n{}\n{life}\n", key_line("v1")));

            assert_refused(
                &dir,
                &format!(
                    "the log is corrupt: {FIRST} at byte 40: it is of another log than META: it was written with another key"
                ),
            );
        }
    }
}

/// An index is checked with the rest of the line: a wrong place of an epoch would give events other ids.
#[test]
fn an_index_that_places_epochs_out_of_order_or_beyond_its_segment_is_refused() {
    const INDEX: &str = "00000000000000000005.idx";
    const LAST_OF_TWO: Epoch = Epoch(474_390_688_482);
    let beyond =
        "00000000000000000012.log at byte 0: an epoch begins after event 4294967299, in the segment before";
    let back = format!(
        "00000000000000000005.log at byte 0: epoch {LAST_OF_TWO} begins before the one that ends there"
    );
    for (ordinals, what) in [([0, u32::MAX], beyond), ([6, 3], &back)] {
        let dir = golden("v2");
        change(&dir, INDEX, |bytes| {
            let begins = LAST_OF_TWO.0.to_le_bytes();
            let second = bytes.windows(8).position(|window| window == begins).unwrap();
            for (entry, ordinal) in [second - 20, second].into_iter().zip(ordinals) {
                bytes[entry + 16..entry + 20].copy_from_slice(&ordinal.to_le_bytes());
            }
            let place = [5_u64.to_le_bytes(), 0_u64.to_le_bytes()].concat();
            let checksum = crc32c::crc32c_append(crc32c::crc32c(&place), &bytes[..4_092]);
            bytes[4_092..].copy_from_slice(&checksum.to_le_bytes());
        });

        assert_refused(&dir, &format!("the log is corrupt: {what}"));
    }
}
