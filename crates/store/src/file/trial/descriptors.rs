//! A process may have few files open, or none more: a log of any number of segments is read and written with a few, a lack of them passes, and is
//! never taken for damage.

use std::sync::Arc;

use tidings_core::contract::fixture::{ManualClock, query};
use tidings_core::{Lost, Query, Reading, Sequence, Start, StoreError};

use super::corruption::names;
use super::failure::append;
use super::judge::all;
use super::play::{open_damaged, open_store};
use crate::file::config::{Durability, Retention};
use crate::file::disk::sim::SimDisk;
use crate::file::disk::{Disk, is_without_descriptor};
use crate::file::fault::Fault;
use crate::file::holes;
use crate::file::mend::Mender;
use crate::file::open_error::OpenError;
use crate::file::read::sliced_tests::read;
use crate::file::writer::LogWriter;

/// More than half of a segment of the trials.
const LARGE: usize = 6_000;

/// Files that a store needs beside those of its pool: the newest segment, the next one, and an index that is written.
const BESIDE: usize = 3;

/// The pool of the trials.
const POOL: usize = 3;

fn fill(writer: &mut LogWriter, segments: usize) {
    for number in 0..segments {
        append(writer, &data(number)).unwrap();
    }
}

fn data(number: usize) -> String {
    format!("{number} {}", "x".repeat(LARGE))
}

fn told(writer: &LogWriter) -> Vec<String> {
    let text = |data: &[u8]| String::from_utf8(data.to_vec()).unwrap();
    all(&writer.log).iter().map(|event| text(event.draft.data())).collect()
}

fn from_the_beginning() -> Query {
    query(Start::Earliest, &["**"])
}

#[test]
fn few_files_are_open_however_many_segments_there_are() {
    let disk = SimDisk::new(0);
    disk.allow_open_files(POOL + BESIDE);
    let mut writer = open_damaged(&disk, 0).unwrap();

    fill(&mut writer, 40);
    let expected: Vec<_> = (0..40).map(data).collect();

    assert_eq!(told(&writer), expected);
    assert!(disk.open_files() <= POOL + BESIDE, "{} files are open", disk.open_files());
    writer.close().unwrap();
    assert_eq!(disk.open_files(), 0);
    assert_eq!(told(&open_damaged(&disk, 1).unwrap()), expected);
}

#[test]
fn an_append_without_a_descriptor_is_refused_and_the_next_one_is_taken() {
    let disk = SimDisk::new(0);
    let mut writer = open_damaged(&disk, 0).unwrap();
    fill(&mut writer, 1);

    // The newest segment alone.
    disk.allow_open_files(1);
    for _ in 0..3 {
        assert!(matches!(append(&mut writer, &data(1)), Err(StoreError::Unavailable(_))));
    }
    append(&mut writer, "a small one still fits").unwrap();
    disk.allow_open_files(POOL + BESIDE);
    append(&mut writer, &data(2)).unwrap();

    let expected = [data(0), "a small one still fits".to_owned(), data(2)];
    assert_eq!(told(&writer), expected);
    drop(writer);
    assert_eq!(told(&open_damaged(&disk, 1).unwrap()), expected);
}

/// Every number of descriptors up to enough of them: a start fails and says why, or goes well. It never makes an index anew, and never
/// sees damage.
#[test]
fn a_start_with_too_few_descriptors_fails_and_changes_nothing() {
    let disk = SimDisk::new(0);
    let mut writer = open_damaged(&disk, 0).unwrap();
    fill(&mut writer, 10);
    let expected: Vec<_> = (0..10).map(data).collect();
    drop(writer);
    let world = disk.world();

    let mut failed = 0;
    for open_max in 0..=POOL + BESIDE {
        let disk = SimDisk::of(world.clone(), 0);
        disk.allow_open_files(open_max);
        match open_damaged(&disk, 1) {
            Ok(writer) => assert_eq!(holes::of_log(&writer.log.view()), [], "{open_max} files"),
            Err(OpenError::Io { source, .. }) => {
                failed += 1;
                assert!(is_without_descriptor(&source), "{open_max} files: {source}");
            }
            Err(error) => panic!("{open_max} files: {error}"),
        }
        for name in names(&world, ".idx").iter().chain(&names(&world, ".log")[..9]) {
            assert_eq!(disk.world().file(name), world.file(name), "{open_max} files: {name}");
        }
        disk.allow_open_files(usize::MAX);
        assert_eq!(told(&open_damaged(&disk, 2).unwrap()), expected, "{open_max} files");
    }
    assert!((1..=POOL).contains(&failed), "{failed}");
}

#[test]
fn a_reading_without_a_descriptor_fails_for_the_moment() {
    let disk = SimDisk::new(0);
    let mut writer = open_damaged(&disk, 0).unwrap();
    fill(&mut writer, 10);
    let kept = disk.create("kept").unwrap();
    disk.allow_open_files(2);

    let answer = read(&writer.log.view(), &writer.log.hash, &from_the_beginning());

    assert!(matches!(answer, Err(Fault::Io { .. })), "it is not damaged");
    drop(kept);
    disk.allow_open_files(POOL + BESIDE);
    assert_eq!(told(&writer).len(), 10);
    assert_eq!(holes::of_log(&writer.log.view()), []);
}

/// A reading has a view of the log that retention has left behind.
#[test]
fn what_retention_has_removed_meanwhile_is_gone_and_is_no_hole() {
    let disk = SimDisk::new(0);
    let retention = Retention { count: Some(3), ..Retention::default() };
    let mut writer = open_store(&disk, Durability::Fsync, retention, (ManualClock::at(0), 0)).unwrap();
    fill(&mut writer, 3);
    let before = writer.log.view();
    let place = before.floor();

    fill(&mut writer, 20);
    writer.tend();
    let answer = read(&before, &writer.log.hash, &from_the_beginning());

    let Err(fault) = answer else { panic!("its files are gone, and none of them is open") };
    let base = fault.missing_of().unwrap();
    assert_eq!(base, Sequence(1));
    let mender = Mender::new(writer.log.clone(), Arc::new(disk.clone()));
    mender.mend_now(base).unwrap();
    assert_eq!(holes::of_log(&writer.log.view()), []);
    let again = read(&writer.log.view(), &writer.log.hash, &query(Start::After(place), &["**"]));
    assert!(matches!(again, Ok(Reading::Lost { lost: Lost::Expired, .. })), "the events have left");
}

#[test]
fn a_segment_that_somebody_has_removed_is_a_hole_and_the_rest_is_served() {
    let disk = SimDisk::new(0);
    let mut writer = open_damaged(&disk, 0).unwrap();
    fill(&mut writer, 10);
    disk.remove(&names(&disk.world(), ".log")[4]).unwrap();
    let mender = Mender::new(writer.log.clone(), Arc::new(disk.clone()));

    let fault = read(&writer.log.view(), &writer.log.hash, &from_the_beginning()).unwrap_err();
    mender.mend_now(fault.missing_of().unwrap()).unwrap();

    assert_eq!(holes::of_log(&writer.log.view()), [Sequence(5)..=Sequence(5)]);
    let told_before = match read(&writer.log.view(), &writer.log.hash, &from_the_beginning()) {
        Ok(Reading::Page(page)) => page.events.len(),
        _ => panic!("events before the hole are there"),
    };
    assert_eq!(told_before, 4);
    append(&mut writer, "and it goes on").unwrap();
}
