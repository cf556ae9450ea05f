//! Bytes of a log change, or go, that no crash can have taken: what can be read is served, each event in its place, and what cannot is
//! declared. Nothing is silent, after the next start either.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use tidings_core::contract::fixture::{ManualClock, query};
use tidings_core::{Cursor, Event, Lost, Placement, Reading, Sequence, Start};

use super::corruption::{log, names, used};
use super::dice::Dice;
use super::failure::append;
use super::play::open_damaged;
use super::power::seeds;
use crate::file::disk::Disk;
use crate::file::disk::sim::{SimDisk, World};
use crate::file::fault::Fault;
use crate::file::holes;
use crate::file::mend::Mender;
use crate::file::names as file_names;
use crate::file::read::sliced_tests::read;
use crate::file::writer::LogWriter;

/// What a reader of some topics hears of a log.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    events: Vec<Event>,
    gaps: Vec<RangeInclusive<u64>>,
}

/// Reads as a subscriber does: from the beginning, and on behind each gap.
fn hear(writer: &LogWriter, disk: &SimDisk, topics: &str) -> Heard {
    let mender = Mender::new(writer.log.clone(), Arc::new(disk.clone()));
    let (mut heard, mut mends) = (Heard::default(), 0);
    let mut start = Start::Earliest;
    let mut after = writer.log.view().floor().sequence;
    loop {
        let view = writer.log.view();
        let place = match read(&view, &writer.log.hash, &query(start.clone(), &[topics])) {
            Ok(Reading::Page(page)) => {
                let done = !page.has_more();
                heard.events.extend(page.events);
                if done {
                    return heard;
                }
                page.next
            }
            Ok(Reading::Lost { lost: Lost::Damaged, resumes_after }) => {
                heard.gaps.push(after.0 + 1..=resumes_after.sequence.0);
                resumes_after
            }
            Err(Fault::Damaged { base, .. }) => {
                mends += 1;
                assert!(mends < 100, "the same segment cannot be read again and again");
                mender.mend_now(base).unwrap();
                continue;
            }
            other => panic!("expected a page or a gap, got {other:?}"),
        };
        assert!(place.sequence > after, "a reading gets on");
        after = place.sequence;
        start = Start::After(place);
    }
}

/// Checks that each event is heard as it was published or declared to be lost.
fn assert_declared(heard: &Heard, published: &[Event], what: &str) {
    let known: BTreeSet<_> = heard.events.iter().map(|event| event.cursor.sequence).collect();
    for event in &heard.events {
        let was = published.iter().find(|was| was.cursor.sequence == event.cursor.sequence);
        let was = was.unwrap_or_else(|| panic!("{what}: nobody published {event:?}"));
        assert_eq!((&was.draft, was.time), (&event.draft, event.time), "{what}");
    }
    for event in published.iter().filter(|event| !known.contains(&event.cursor.sequence)) {
        let sequence = event.cursor.sequence.0;
        assert!(heard.gaps.iter().any(|gap| gap.contains(&sequence)), "{what}: event {sequence} is silent");
    }
    let sorted = heard.events.is_sorted_by(|one, next| one.cursor.sequence < next.cursor.sequence);
    assert!(sorted, "{what}");
}

/// Opens what is left, checks it, and goes on with it through two starts. How many events cannot be read.
fn attempt(world: World, published: &[Event], is_closed: bool, what: &str) -> u64 {
    let disk = SimDisk::of(world, 7);
    let last = published.last().map_or(0, |event| event.cursor.sequence.0);
    let mut writer = open_damaged(&disk, 3).unwrap_or_else(|error| panic!("{what}: {error}"));
    let heard = hear(&writer, &disk, "**");
    // After a crash, nobody can tell that the end was not being written.
    let held: Vec<_> = match is_closed {
        true => published.to_vec(),
        false => published.iter().filter(|event| event.cursor.sequence <= writer.head).cloned().collect(),
    };
    let floor = writer.log.view().floor().sequence;
    let held: Vec<_> = held.into_iter().filter(|event| event.cursor.sequence > floor).collect();
    assert_declared(&heard, &held, what);
    for topics in ["a", "t/*", "t/1"] {
        let mine: Vec<_> = held.iter().filter(|event| hears(topics, event)).cloned().collect();
        assert_declared(&hear(&writer, &disk, topics), &mine, &format!("{what}, {topics}"));
    }
    if is_closed {
        assert!(writer.head.0 >= last, "{what}: places are given twice");
    }
    let unread = holes::of_log(&writer.log.view());

    let next = Cursor::new(writer.epoch, writer.head.next());
    assert_eq!(append(&mut writer, "goes on").unwrap(), [Placement::New(next)], "{what}");
    let known = hear(&writer, &disk, "**").events;
    writer.close().unwrap();
    let writer = open_damaged(&disk, 4).unwrap_or_else(|error| panic!("{what}, again: {error}"));
    let again = hear(&writer, &disk, "**");
    assert_declared(&again, &known, what);
    assert_eq!(again.events, known, "{what}");
    unread.iter().map(|hole| hole.end().0 - hole.start().0 + 1).sum()
}

fn hears(topics: &str, event: &Event) -> bool {
    query(Start::Earliest, &[topics]).selectors.matches(event.draft.topic())
}

#[test]
fn each_changed_byte_of_a_log_is_a_gap_of_few_events() {
    for is_closed in [true, false] {
        let (world, events) = log(is_closed);
        let mut lost = 0;
        for name in names(&world, ".log") {
            for at in (0..used(&world, &name)).step_by(if is_closed { 151 } else { 211 }) {
                let disk = SimDisk::of(world.clone(), 0);
                disk.corrupt(&name, at, 0x10);
                let what = format!("byte {at} of {name}, closed {is_closed}");
                let unread = attempt(disk.world(), &events, is_closed, &what);
                assert!(unread <= 1, "{what}: {unread} events for a byte");
                lost += unread;
            }
        }
        assert!(lost > 10, "{lost}");
    }
}

#[test]
fn a_block_that_the_disk_cannot_read_is_a_gap_of_the_events_in_it() {
    for is_closed in [true, false] {
        let (world, events) = log(is_closed);
        let mut lost = 0;
        for name in names(&world, ".log") {
            for at in (0..used(&world, &name)).step_by(4_096) {
                let disk = SimDisk::of(world.clone(), 0);
                disk.spoil_block(&name, at..at + 4_096);
                let what = format!("the block at {at} of {name}, closed {is_closed}");
                lost += attempt(disk.world(), &events, is_closed, &what);
            }
        }
        // Each event is in few blocks.
        assert!(lost > 0 && lost <= 3 * events.len() as u64, "{lost} of {}", events.len());
    }
}

#[test]
fn a_hole_that_heals_is_taken_as_it_is() {
    let (world, events) = log(true);
    for name in names(&world, ".log") {
        for at in (64..used(&world, &name)).step_by(397) {
            let disk = SimDisk::of(world.clone(), 0);
            disk.corrupt(&name, at, 0x10);
            let mut writer = open_damaged(&disk, 3).unwrap();
            append(&mut writer, "goes on").unwrap();
            let last = hear(&writer, &disk, "**").events.pop().unwrap();
            writer.close().unwrap();
            let file = disk.open(&name).unwrap();
            let mut byte = [0];
            file.read_at(&mut byte, at as u64).unwrap();
            file.write_at(&[byte[0] ^ 0x10], at as u64).unwrap();
            file.sync_data().unwrap();

            let what = format!("byte {at} of {name}");
            let writer = open_damaged(&disk, 4).unwrap_or_else(|error| panic!("{what}: {error}"));
            let published: Vec<_> = events.iter().cloned().chain([last]).collect();
            assert_declared(&hear(&writer, &disk, "**"), &published, &what);
        }
    }
}

#[test]
fn a_segment_that_is_gone_is_a_gap() {
    let (world, events) = log(true);
    for name in names(&world, ".log") {
        let disk = SimDisk::of(world.clone(), 0);
        disk.remove(&name).unwrap();
        attempt(disk.world(), &events, true, &format!("without {name}"));
        // With its index, too.
        disk.remove(&name.replace(".log", ".idx")).ok();
        attempt(disk.world(), &events, true, &format!("without {name} and its index"));
    }
}

#[test]
fn whatever_is_done_to_files_of_a_log_the_rest_is_served() {
    for is_closed in [true, false] {
        let (world, events) = log(is_closed);
        for seed in seeds(60) {
            let mut dice = Dice::new(seed);
            let disk = SimDisk::of(world.clone(), seed);
            let mut what = format!("seed {seed}, closed {is_closed}");
            for _ in 0..=dice.below(3) {
                what = format!("{what}; {}", spoil(&disk, is_closed, &mut dice));
            }
            attempt(disk.world(), &events, is_closed, &what);
        }
    }
}

/// Changes, cuts, removes or exchanges files.
fn spoil(disk: &SimDisk, is_closed: bool, dice: &mut Dice) -> String {
    let world = disk.world();
    let mut all = [names(&world, ".log"), names(&world, ".idx")].concat();
    if !is_closed {
        // Nothing says how long the newest segment was.
        let newest = names(&world, ".log").pop();
        all.retain(|name| Some(name) != newest.as_ref());
    }
    spoil_one(disk, &all, dice)
}

/// Changes, cuts, removes or exchanges one of some files.
pub(super) fn spoil_one(disk: &SimDisk, all: &[String], dice: &mut Dice) -> String {
    let world = disk.world();
    let name = &all[dice.below(all.len())];
    if world.file(name).is_none() {
        return String::new();
    }
    let used = used(&world, name).max(1);
    let Ok(file) = disk.open(name) else { return String::new() };
    match dice.below(6) {
        0 | 1 => {
            let (at, len) = (dice.below(used), 1 + dice.below(200));
            let junk: Vec<_> = (0..len).map(|_| dice.below(256) as u8).collect();
            file.write_at(&junk, at as u64).unwrap();
            format!("{len} bytes of junk at {at} of {name}")
        }
        2 => {
            let at = dice.below(used);
            file.set_len(at as u64).unwrap();
            format!("{name} cut at {at}")
        }
        3 => {
            let (at, len) = (dice.below(used), 1 + dice.below(4_096));
            file.write_at(&vec![0; len], at as u64).unwrap();
            format!("{len} zeros at {at} of {name}")
        }
        4 => {
            disk.remove(name).unwrap();
            format!("{name} removed")
        }
        _ => {
            let other = &all[dice.below(all.len())];
            let bytes = world.file(other).unwrap_or_default();
            file.set_len(0).unwrap();
            file.write_at(bytes, 0).unwrap();
            format!("{other} in the place of {name}")
        }
    }
}

#[test]
fn a_strict_recovery_refuses_what_a_lenient_one_serves() {
    let (world, _) = log(true);
    let name = names(&world, ".log").remove(1);
    let disk = SimDisk::of(world, 0);
    disk.remove(&name.replace(".log", ".idx")).unwrap();
    disk.corrupt(&name, 200, 0x10);

    let clock = (ManualClock::at(0), 0);
    let refused =
        super::play::open_store(&disk, Default::default(), Default::default(), (clock.0, clock.1)).err();
    assert!(refused.is_some_and(|error| error.to_string().contains(&name)));
    assert!(open_damaged(&disk, 1).is_ok());
    assert_eq!(file_names::log(Sequence(1)).len(), name.len());
}
