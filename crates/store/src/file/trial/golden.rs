//! Makes the directory of version 2 that is committed in `tests/golden/v2-literals`, with records of kinds and with attributes
//! that no hub writes yet. `tests/golden.rs` reads it. The one in `tests/golden/v2` is of a hub of before indexes had literals,
//! and segments a copy of the key.
//!
//! `TIDINGS_GOLDEN=write cargo test -p tidings-store --lib golden` writes it, if it is not there. Until the release of version
//! 2, a change of what the hub writes may need that: remove the directory, write it, and look at the difference. From the
//! release on it stays as it is for ever; if what the hub writes changes within the format, this file goes instead.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tidings_core::contract::fixture::{ManualClock, draft, draft_with};
use tidings_core::{DraftFields, KeyFields, Sequence, UnixMillis};

use super::failure::{append_all, append_draft};
use super::old::golden;
use super::play::open_store;
use crate::file::config::{Durability, Retention};
use crate::file::disk::Disk;
use crate::file::disk::sim::{SimDisk, World};
use crate::file::hash::KeyedHash;
use crate::file::record::RecordStamp;
use crate::file::record::kind::Kind;
use crate::file::record::v2::any::AnyRecord;
use crate::file::writer::LogWriter;

/// So late that no reader will ever find the event expired.
const EXPIRY_MS: [u8; 8] = (1_u64 << 52).to_le_bytes();

/// Five lives: the first two are closed, the third is not, a later version writes behind it, and the last two go on.
fn write() -> SimDisk {
    let disk = SimDisk::new(1);
    let open = |life: u64| {
        let clock = ManualClock::at(1_000 * life);
        open_store(&disk, Durability::Fsync, Retention::default(), (clock, 1)).unwrap()
    };
    let all = |id, key: Option<&'static str>| DraftFields {
        event_type: Some("ping"),
        id,
        retry_ms: Some(6_000),
        key: key.map(|key| KeyFields { credential: "", key }),
    };
    let id = |id| DraftFields { id: Some(id), ..DraftFields::default() };

    let mut writer = open(1);
    let several = vec![
        draft_with("orders/42", "{\n  \"total\": 5\n}", all(Some("msg1"), Some("key-1"))),
        draft("orders/43", ""),
        draft_with("https://example.com/\u{8ba2}\u{5355}", "\u{4f60}\u{597d} \u{1f4e8}", id("msg1")),
    ];
    append_all(&mut writer, several).unwrap();
    writer.close().unwrap();

    let mut writer = open(2);
    append_draft(&mut writer, draft_with("large", &"tidings ".repeat(1_100), id("369"))).unwrap();
    writer.close().unwrap();

    let mut writer = open(3);
    append_draft(&mut writer, draft_with("orders/42", "the third life", id("369"))).unwrap();
    write_what_is_not_used_yet(&disk, &writer);
    drop(writer);

    let mut writer = open(4);
    append_draft(&mut writer, draft("orders/43", "line\r\nline\rline\0")).unwrap();
    append_draft(&mut writer, draft_with("large", &"again ".repeat(1_500), all(None, Some("key-2"))))
        .unwrap();
    writer.close().unwrap();

    let mut writer = open(5);
    append_draft(&mut writer, draft_with("orders/42", "the last", id("7"))).unwrap();
    writer.close().unwrap();
    disk
}

/// Writes a record of every kind that no hub writes, and an event with every attribute, behind the last event of a log.
fn write_what_is_not_used_yet(disk: &SimDisk, writer: &LogWriter) {
    let first = writer.head.0 + 1;
    let stream = |kind, number, attributes, data| AnyRecord {
        stamp: stamp(first + number, 1),
        kind,
        topic: "streams/1",
        attributes,
        data,
    };
    // What is erased has no content, so that a version that erases it reads the same.
    let erased = first.to_le_bytes();
    let create: [(u8, &[u8]); 2] = [(7, b"application/json"), (9, &EXPIRY_MS)];
    let event: [(u8, &[u8]); 12] = [
        (1, b"later"),
        (2, b"made-up"),
        (3, b"\x05\0\0\0\0\0\0\0"),
        (4, b"\x02mebatch"),
        (5, b"\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\x000123456789abcdef\x01"),
        (6, b"a-user"),
        (7, b"text/plain"),
        (8, b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        (9, &EXPIRY_MS),
        (10, b"another/topic"),
        (10, b"a/third"),
        (200, b"\xff"),
    ];
    let records = [
        stream(Kind::Create.number(), 0, &create, b""),
        AnyRecord { topic: "orders/42", ..stream(Kind::Event.number(), 1, &event, b"by a later version") },
        AnyRecord {
            stamp: stamp(first + 1, 0),
            topic: "orders/42",
            ..stream(Kind::Lost.number(), 1, &[(6, b"a-user")], b"42")
        },
        stream(Kind::Erase.number(), 2, &[], &erased),
        stream(Kind::Close.number(), 3, &[], b""),
        stream(Kind::Delete.number(), 4, &[], b""),
    ];
    let mut bytes = Vec::new();
    let tag = KeyedHash(*b"a key for trials").tag();
    records.iter().for_each(|record| record.encode(&tag, &mut bytes));
    disk.open(&writer.active.segment.name()).unwrap().write_at(&bytes, writer.active.end).unwrap();
}

fn stamp(sequence: u64, lag: u32) -> RecordStamp {
    RecordStamp { sequence: Sequence(sequence), time: UnixMillis(3_000), lag, more: false }
}

fn files(world: &World) -> BTreeMap<String, Vec<u8>> {
    let names = SimDisk::of(world.clone(), 0).list().unwrap();
    names.into_iter().map(|name| (name.clone(), world.file(&name).unwrap().to_vec())).collect()
}

#[test]
fn the_golden_directory_of_version_2_is_what_the_hub_writes() {
    let written = files(&write().world());
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v2-literals");
    if std::env::var("TIDINGS_GOLDEN").is_ok_and(|word| word == "write") && !dir.exists() {
        fs::create_dir(&dir).unwrap();
        written.iter().for_each(|(name, bytes)| fs::write(dir.join(name), bytes).unwrap());
    }

    let committed = files(&golden("v2-literals"));

    assert_eq!(committed.keys().collect::<Vec<_>>(), written.keys().collect::<Vec<_>>());
    for (name, bytes) in &committed {
        let differs = bytes.iter().zip(&written[name]).position(|(one, other)| one != other);
        assert!(
            differs.is_none() && bytes.len() == written[name].len(),
            "{name} differs at byte {differs:?}"
        );
    }
}

#[test]
fn only_the_indexes_and_the_copy_of_the_key_differ_from_what_was_before_there_were_any() {
    let (before, with_literals) = (files(&golden("v2")), files(&golden("v2-literals")));

    assert_eq!(before.keys().collect::<Vec<_>>(), with_literals.keys().collect::<Vec<_>>());
    for (name, bytes) in before {
        let mut bytes_now = with_literals[&name].clone();
        if name.ends_with(".log") {
            assert_ne!(bytes_now[48..64], [0; 16], "{name}");
            bytes_now[48..64].fill(0);
            bytes_now[8..12].copy_from_slice(&bytes[8..12]);
        }
        assert_eq!(bytes == bytes_now, !name.ends_with(".idx"), "{name}");
    }
}
