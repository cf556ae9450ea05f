//! Bytes change that no crash can have changed: what comes then is either what was published, or an error that says
//! where. Never a panic, and never silence.

use std::ops::Range;

use proptest::prelude::*;
use tidings_core::contract::fixture::{ManualClock, draft, query};
use tidings_core::{Event, Reading, Start};

use super::failure::append;
use super::judge::all;
use super::play::{Play, Setting, open_store};
use crate::file::config::{Durability, Retention};
use crate::file::disk::Disk;
use crate::file::disk::sim::{SimDisk, World};
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::open_error::OpenError;
use crate::file::read::sliced_tests::read;
use crate::file::record::{RecordFormat, v2};
use crate::file::writer::LogWriter;

/// Events at the end of the log, each written alone.
const LAST_EVENTS: u64 = 5;

/// A log of some segments, left by a crash or closed, with what is in it.
pub(super) fn log(closed: bool) -> (World, Vec<Event>) {
    let mut play = Play::new(Setting { seed: 3, durability: Durability::Fsync, rounds: 30 });
    play.run().unwrap();
    let mut writer = open(&play.disk).unwrap();
    for number in 0..LAST_EVENTS {
        append(&mut writer, &number.to_string()).unwrap();
    }
    let events = all(&writer.log);
    if closed {
        writer.close().unwrap();
    }
    (play.disk.world(), events)
}

fn open(disk: &SimDisk) -> Result<LogWriter, OpenError> {
    open_store(disk, Durability::Fsync, Retention::default(), (ManualClock::at(0), 0))
}

/// What a reader gets of a log: all of it, or an error.
fn attempt(disk: &SimDisk) -> Result<Vec<Event>, String> {
    let writer = open(disk).map_err(|error| match error {
        OpenError::Corrupt { .. } => error.to_string(),
        other => panic!("expected corruption, got {other}"),
    })?;
    let mut events = Vec::new();
    let mut start = Start::Earliest;
    loop {
        let view = writer.log.view();
        match read(&view, &writer.log.hash, &query(start, &["**"])) {
            Ok(Reading::Page(page)) => {
                let done = !page.has_more();
                events.extend(page.events);
                if done {
                    return Ok(events);
                }
                start = Start::After(page.next);
            }
            Err(fault @ Fault::Damaged { .. }) => return Err(fault.to_string()),
            other => panic!("expected a page or corruption, got {other:?}"),
        }
    }
}

/// The names of all files that end so.
pub(super) fn names(world: &World, extension: &str) -> Vec<String> {
    let names = SimDisk::of(world.clone(), 0).list().unwrap();
    names.into_iter().filter(|name| name.ends_with(extension)).collect()
}

/// Where the bytes are worth changing: the records, not the empty space behind them.
pub(super) fn used(world: &World, name: &str) -> usize {
    let file = world.file(name).unwrap();
    file.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

#[test]
fn no_changed_byte_of_a_closed_log_goes_unnoticed() {
    let (world, events) = log(true);

    for name in names(&world, "").iter().filter(|name| !name.ends_with(".idx")) {
        let unread = unplaced(&world, name);
        for at in (0..used(&world, name)).step_by(61) {
            let disk = SimDisk::of(world.clone(), 0);
            disk.corrupt(name, at, 0x10);
            match attempt(&disk) {
                Err(_) => {}
                // The index says which epoch began there. It is noticed when the index is made anew.
                Ok(read) => {
                    assert!(unread.iter().any(|record| record.contains(&at)), "byte {at} of {name}");
                    assert_eq!(read, events);
                    disk.remove(&name.replace(".log", ".idx")).unwrap();
                    assert!(attempt(&disk).is_err(), "byte {at} of {name}, without the index");
                }
            }
        }
    }
}

/// Where the records of a segment are that have no place of their own.
fn unplaced(world: &World, name: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (records, mut at) = (RecordFormat::V2(KeyedHash(*b"a key for trials").tag()), 64);
    let file = world.file(name).unwrap();
    while let Ok(record) = records.parse(file.get(at..).unwrap_or_default()) {
        if !record.kind.is_placed() {
            found.push(at..at + record.len);
        }
        at += record.len;
    }
    found
}

#[test]
fn a_changed_byte_before_the_last_write_is_refused_after_a_crash() {
    let (world, _) = log(false);
    let name = names(&world, ".log").pop().unwrap();
    let last_record = used(&world, &name) - v2::encoded_len(&draft("a", "0"));

    for at in (0..last_record).step_by(5) {
        let disk = SimDisk::of(world.clone(), 0);
        disk.corrupt(&name, at, 0x01);

        let error = attempt(&disk).expect_err("the byte was durable long ago");

        assert!(error.contains(&name), "{error}");
    }
}

#[test]
fn a_broken_index_is_made_anew() {
    let (world, events) = log(true);
    let names = names(&world, ".idx");
    assert!(!names.is_empty());

    for name in &names {
        // The header, which is looked at when the store is opened.
        for at in 0..64 {
            let disk = SimDisk::of(world.clone(), 0);
            disk.corrupt(name, at, 0x10);
            assert_eq!(attempt(&disk).as_ref(), Ok(&events), "byte {at} of {name}");
        }
        let disk = SimDisk::of(world.clone(), 0);
        disk.remove(name).unwrap();
        assert_eq!(attempt(&disk).as_ref(), Ok(&events), "without {name}");
    }
}

#[test]
fn a_missing_segment_is_refused() {
    let (world, events) = log(true);
    let logs = names(&world, ".log");
    assert!(logs.len() >= 4);

    for (at, name) in logs.iter().enumerate() {
        let disk = SimDisk::of(world.clone(), 0);
        disk.remove(name).unwrap();
        match attempt(&disk) {
            // The oldest may have left by retention.
            Ok(read) => assert!(at == 0 && events.ends_with(&read)),
            Err(error) => assert!(at > 0 && error.contains("event"), "{error}"),
        }
    }
}

#[test]
fn a_log_without_meta_is_refused() {
    let (world, _) = log(true);
    let disk = SimDisk::of(world, 0);
    disk.remove("META").unwrap();

    assert!(attempt(&disk).is_err_and(|error| error.contains("META")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_done_to_the_newest_segment_it_is_a_beginning_or_refused(
        cut in any::<prop::sample::Index>(),
        junk in prop::collection::vec(any::<u8>(), 0..300),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 0..3),
    ) {
        let (world, events) = log(false);
        let name = names(&world, ".log").pop().unwrap();
        let used = used(&world, &name);
        let disk = SimDisk::of(world, 0);
        let file = disk.open(&name).unwrap();
        let cut = cut.index(used + 1);
        file.set_len(cut as u64).unwrap();
        file.write_at(&junk, cut as u64).unwrap();
        for (at, change) in flips {
            let len = file.len().unwrap() as usize;
            if len > 0 {
                let mut byte = [0];
                let at = at.index(len);
                file.read_at(&mut byte, at as u64).unwrap();
                file.write_at(&[byte[0] ^ change], at as u64).unwrap();
            }
        }

        if let Ok(read) = attempt(&disk) {
            prop_assert!(events.starts_with(&read));
        }
    }
}
