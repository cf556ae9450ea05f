//! A disk that is nearly full: some of it stays free, so that the log can be closed, opened and read.

use tidings_core::contract::fixture::{ManualClock, draft, state};
use tidings_core::{Placement, StoreError};

use super::failure::{append, append_draft, trouble};
use super::play::{host, open_config};
use crate::file::config::{FileStoreConfig, FreeMin};
use crate::file::disk::sim::{SimDisk, Trouble};
use crate::file::writer::LogWriter;

const MIN: u64 = 1_000_000;
const SEGMENT: u64 = 8_192;

fn open(disk: &SimDisk, clock: &std::sync::Arc<ManualClock>, min: FreeMin) -> LogWriter {
    let config = FileStoreConfig { disk_free_min: min, ..FileStoreConfig::default() };
    open_config(host(disk, clock.clone(), 0), config).unwrap()
}

fn is_full(writer: &LogWriter) -> bool {
    writer.metrics.condition().is_full
}

fn is_refused(answer: &Result<Vec<Placement>, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Full(_)))
}

#[test]
fn below_what_is_kept_free_events_are_refused_and_the_log_is_closed_opened_and_read() {
    let (disk, clock) = (SimDisk::new(0), ManualClock::at(0));
    let mut writer = open(&disk, &clock, FreeMin::Bytes(MIN));
    append(&mut writer, "kept").unwrap();
    assert!(!is_full(&writer));

    disk.say_free(MIN - 1, 100 * MIN);
    clock.set(1_000);
    assert!(is_refused(&append(&mut writer, "too much")));
    assert!(is_full(&writer));
    writer.close().unwrap();
    let mut writer = open(&disk, &clock, FreeMin::Bytes(MIN));
    assert!(is_full(&writer), "a start sees it");
    assert!(is_refused(&append(&mut writer, "too much")));
    disk.say_free(MIN, 100 * MIN);
    clock.set(2_000);
    append(&mut writer, "room again").unwrap();

    assert!(!is_full(&writer));
    assert_eq!(writer.log.bounds().head.sequence.0, 2);
}

#[test]
fn the_end_of_a_full_disk_is_seen_though_nobody_publishes() {
    let (disk, clock) = (SimDisk::new(0), ManualClock::at(0));
    disk.say_free(MIN - 1, 100 * MIN);
    let mut writer = open(&disk, &clock, FreeMin::Percent(1));
    assert!(is_full(&writer));

    disk.say_free(MIN, 100 * MIN);
    clock.set(1_000);
    writer.tend();

    assert!(!is_full(&writer));
}

#[test]
fn no_segment_is_begun_that_takes_what_is_kept_free() {
    let (disk, clock) = (SimDisk::new(0), ManualClock::at(0));
    disk.say_free(MIN + SEGMENT - 1, 100 * MIN);
    let mut writer = open(&disk, &clock, FreeMin::Bytes(MIN));
    let event = "x".repeat(4_000);
    append(&mut writer, &event).unwrap();
    append(&mut writer, &event).unwrap();

    assert!(is_refused(&append(&mut writer, &event)));
    clock.set(1_000);
    // It has not ended because more than MIN is free.
    writer.tend();
    assert!(is_full(&writer));
    disk.say_free(MIN + SEGMENT, 100 * MIN);
    clock.set(2_000);

    append(&mut writer, &event).unwrap();
    assert!(!is_full(&writer));
}

/// One publisher of a large batch would keep all others out.
#[test]
fn an_append_that_is_larger_than_a_segment_is_refused_alone() {
    let (disk, clock) = (SimDisk::new(0), ManualClock::at(0));
    disk.say_free(MIN + 2 * SEGMENT, 100 * MIN);
    let mut writer = open(&disk, &clock, FreeMin::Bytes(MIN));

    assert!(is_refused(&append(&mut writer, &"x".repeat(3 * SEGMENT as usize))));
    assert!(!is_full(&writer));
    append(&mut writer, "small").unwrap();
}

/// A holder lets the oldest events go by writing what it needs of them again. Kept out, it could never make room.
#[test]
fn state_records_are_taken_so_that_retention_can_make_room() {
    let (disk, clock) = (SimDisk::new(0), ManualClock::at(0));
    disk.say_free(MIN - 1, 100 * MIN);
    let mut writer = open(&disk, &clock, FreeMin::Bytes(MIN));

    assert!(is_refused(&append(&mut writer, "an event")));
    append_draft(&mut writer, state(draft("tidings/inbox/state", "what is needed"))).unwrap();
}

#[test]
fn a_disk_that_refuses_is_full_until_it_takes_something() {
    let (disk, clock) = (SimDisk::new(0), ManualClock::at(0));
    let mut writer = open(&disk, &clock, FreeMin::Bytes(0));
    append(&mut writer, "kept").unwrap();

    trouble(&disk, Trouble::Full, 0..1);
    assert!(is_refused(&append(&mut writer, "no room")));
    assert!(is_full(&writer));
    clock.set(1_000);
    writer.tend();
    assert!(is_full(&writer), "as much is free as before");
    append(&mut writer, "room").unwrap();

    assert!(!is_full(&writer));
}
