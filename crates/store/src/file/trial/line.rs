//! A line of epochs that is not one, and records that no version wrote: each is refused, and the log is not changed.

use tidings_core::contract::fixture::draft;
use tidings_core::{Cursor, Epoch, EpochStatus, Sequence, UnixMillis};

use super::epoch::open;
use super::failure::append;
use super::judge::{all, assert_goes_on};
use crate::file::config::Durability;
use crate::file::disk::Disk;
use crate::file::disk::sim::SimDisk;
use crate::file::hash::{KeyedHash, RecordTag};
use crate::file::header::SegmentHeader;
use crate::file::open_error::OpenError;
use crate::file::record::{RecordStamp, v2};

const FIRST: &str = "00000000000000000001.log";

fn tag() -> RecordTag {
    KeyedHash(*b"a key for trials").tag()
}

/// A log of two lives with two events, and the place behind its last record.
struct Log {
    disk: SimDisk,
    end: u64,
    old: Epoch,
    now: Epoch,
}

impl Log {
    fn new() -> Self {
        let disk = SimDisk::new(1);
        let mut writer = open(&disk, Durability::Fsync, 1).unwrap();
        append(&mut writer, "1").unwrap();
        let old = writer.epoch;
        drop(writer);
        let mut writer = open(&disk, Durability::Fsync, 1).unwrap();
        append(&mut writer, "2").unwrap();
        Self { end: writer.active.end, old, now: writer.epoch, disk }
    }

    /// Writes records behind the last one, and opens the log.
    fn with(&self, bytes: &[u8]) -> Result<crate::file::writer::LogWriter, String> {
        let disk = SimDisk::of(self.disk.world(), 1);
        disk.open(FIRST).unwrap().write_at(bytes, self.end).unwrap();
        let digest = disk.world().digest();
        let opened = open(&disk, Durability::Fsync, 1).map_err(|error| match error {
            OpenError::Corrupt { .. } => error.to_string(),
            other => panic!("expected corruption, got {other}"),
        });
        assert!(opened.is_ok() || disk.world().digest() == digest, "a log that is refused is not changed");
        opened
    }

    fn refused(&self, bytes: &[u8]) -> String {
        self.with(bytes).err().unwrap()
    }
}

fn stamp(sequence: u64, more: bool) -> RecordStamp {
    RecordStamp { sequence: Sequence(sequence), time: UnixMillis(1_000), lag: 1, more }
}

/// An epoch that begins after event 2, with its first event.
fn epoch(begins: Epoch, ends: Epoch) -> Vec<u8> {
    let mut bytes = Vec::new();
    v2::encode_epoch(stamp(2, true), begins, ends, &tag(), &mut bytes);
    v2::encode(stamp(3, false), &draft("a", "3"), &tag(), &mut bytes);
    bytes
}

/// Changes a byte of a record's header, as another version would have written it.
fn rewritten(mut record: Vec<u8>, at: usize, byte: u8) -> Vec<u8> {
    record[at] = byte;
    let tag = tag().of(&record[8..44]);
    record[..8].copy_from_slice(&tag.to_le_bytes());
    record
}

#[test]
fn an_epoch_that_follows_the_one_before_is_taken() {
    let log = Log::new();

    let mut writer = log.with(&epoch(Epoch(7), log.now)).unwrap();

    assert_eq!(all(&writer.log)[2].cursor, Cursor::new(Epoch(7), Sequence(3)));
    assert_eq!(writer.log.view().status_of(log.now), EpochStatus::Ended { at: Sequence(2) });
    assert_goes_on(&mut writer);
}

#[test]
fn an_epoch_that_does_not_follow_the_one_before_is_refused() {
    let log = Log::new();

    let error = log.refused(&epoch(Epoch(7), log.old));

    let (old, now) = (log.old, log.now);
    let expected = format!(
        "the log is corrupt: {FIRST} at byte 0: epoch 7 begins after event 2 where {old} ends, and the log was in {now}"
    );
    assert_eq!(error, expected);
}

#[test]
fn an_epoch_that_begins_a_second_time_is_refused() {
    let log = Log::new();

    for again in [log.old, log.now] {
        let error = log.refused(&epoch(again, log.now));
        assert_eq!(
            error,
            format!("the log is corrupt: {FIRST} at byte 0: epoch {again} begins a second time")
        );
    }
}

#[test]
fn a_record_of_an_unknown_kind_is_refused_by_its_number() {
    let log = Log::new();
    for kind in [0, 7, 63, 66, 255] {
        let mut event = Vec::new();
        v2::encode(stamp(3, false), &draft("a", "3"), &tag(), &mut event);

        let error = log.refused(&rewritten(event, 36, kind));

        let expected = format!(
            "the log is corrupt: {FIRST} at byte {}: the record is of kind {kind}, which this version does not know; a \
             later one wrote it",
            log.end
        );
        assert_eq!(error, expected);
    }
}

#[test]
fn a_record_with_unknown_flags_is_refused() {
    let log = Log::new();
    let mut event = Vec::new();
    v2::encode(stamp(3, false), &draft("a", "3"), &tag(), &mut event);

    assert!(log.refused(&rewritten(event, 37, 2)).contains("flags that this version does not know"));
}

#[test]
fn an_epoch_without_its_first_event_is_cut_off() {
    let log = Log::new();
    let mut alone = Vec::new();
    v2::encode_epoch(stamp(2, true), Epoch(7), log.now, &tag(), &mut alone);

    for bytes in 1..=alone.len() {
        let mut writer = log.with(&alone[..bytes]).unwrap();
        assert_eq!(writer.log.view().status_of(Epoch(7)), EpochStatus::Unknown);
        assert_eq!(all(&writer.log).len(), 2);
        assert_goes_on(&mut writer);
    }
}

#[test]
fn a_segment_that_begins_in_another_epoch_than_the_one_before_ended_in_is_refused() {
    let log = Log::new();
    let mut writer = open(&log.disk, Durability::Fsync, 1).unwrap();
    append(&mut writer, &"x".repeat(9_000)).unwrap();
    drop(writer);
    let disk = SimDisk::of(log.disk.world(), 1);
    let name = "00000000000000000003.log";
    let file = disk.open(name).unwrap();
    let header = SegmentHeader::read(&*file, name, Sequence(3)).unwrap();
    file.write_at(&SegmentHeader { epoch: log.old, ..header }.encode(), 0).unwrap();

    let error = open(&disk, Durability::Fsync, 1).err().unwrap().to_string();

    let (old, now) = (log.old, log.now);
    let expected =
        format!("the log is corrupt: {name} at byte 16: it begins in epoch {old}, and the log was in {now}");
    assert_eq!(error, expected);
}
