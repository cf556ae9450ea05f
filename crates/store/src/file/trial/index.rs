//! Anything happens to the bytes of indexes: every way of reading then finds what was published, or says what is broken.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use tidings_core::contract::fixture::{ManualClock, draft_with, query};
use tidings_core::{Draft, DraftFields, Event, Query, Reading, Start};
use tokio::sync::oneshot;

use super::corruption::names;
use super::dice::Dice;
use super::play::{host, open_host, take_turn};
use super::power::seeds;
use crate::file::config::{Durability, Retention};
use crate::file::disk::Disk;
use crate::file::disk::sim::{SimDisk, World};
use crate::file::fault::Fault;
use crate::file::log::Log;
use crate::file::open_error::OpenError;
use crate::file::queue::{Append, Queue};
use crate::file::read::sliced_tests::read;
use crate::file::writer::LogWriter;

/// Events in the log. There are so many topics, ids and keys that an index of a segment has several pages.
const EVENTS: u64 = 1_400;

/// Bytes of a page of an index.
const PAGE: usize = 4_096;

/// How long a case may take. It takes some tenths of a second.
const CASE_MAX: Duration = Duration::from_secs(60);

fn draft(number: u64) -> Draft {
    let topic = format!("t/{}/{}", number % 5, number % 300);
    let (id, key) = (format!("id-{}", number % 900), format!("key-{number}"));
    let fields = DraftFields { id: Some(&id), key: Some(key.as_str().into()), ..DraftFields::default() };
    draft_with(&topic, &number.to_string(), fields)
}

fn open(disk: &SimDisk) -> Result<LogWriter, OpenError> {
    let host = host(disk, ManualClock::at(1_000), 0);
    open_host(host, Durability::Fsync, Retention::default())
}

/// A closed log of a few segments with indexes of several pages, and what is in it.
fn log() -> (World, Vec<Event>) {
    let disk = SimDisk::new(0);
    let mut writer = open(&disk).unwrap();
    for batch in 0..2 {
        let numbers = batch * EVENTS / 2..(batch + 1) * EVENTS / 2;
        append(&mut writer, numbers.map(draft).collect());
    }
    append(&mut writer, vec![draft(EVENTS)]);
    let events = found(&writer.log, query(Start::Earliest, &["**"])).unwrap();
    writer.close().unwrap();
    (disk.world(), events)
}

fn append(writer: &mut LogWriter, drafts: Vec<Draft>) {
    let (reply, mut answer) = oneshot::channel();
    take_turn(writer, &Arc::new(Queue::new()), vec![Append { drafts, reply }]);
    answer.try_recv().unwrap().unwrap();
}

/// Everything after a start, page by page; or what is broken.
fn found(log: &Log, mut query: Query) -> Result<Vec<Event>, Fault> {
    let mut events = Vec::new();
    loop {
        match read(&log.view(), &log.hash, &query)? {
            Reading::Page(page) => {
                let done = !page.has_more();
                assert!(done || page.next.sequence > page.after.sequence, "a page that leads nowhere");
                events.extend(page.events);
                if done {
                    return Ok(events);
                }
                query.start = Start::After(page.next);
            }
            other => panic!("expected a page, got {other:?}"),
        }
    }
}

/// Checks that an answer is what was published, or says which file is broken. True if it is what was published.
fn is_true<T: PartialEq + std::fmt::Debug>(answer: Result<T, Fault>, truth: &T, what: &str) -> bool {
    match answer {
        Ok(answer) => {
            assert!(answer == *truth, "{what}: {answer:?} instead of {truth:?}");
            true
        }
        Err(Fault::Damaged { file, .. }) => {
            assert!(file.ends_with(".idx") || file.ends_with(".log"), "{what}: {file} is said to be broken");
            false
        }
        Err(fault) => panic!("{what}: {fault}"),
    }
}

/// Reads in every way that asks an index. Returns how many answers said that something is broken.
fn ask(world: World, events: &[Event]) -> usize {
    let writer = match open(&SimDisk::of(world, 0)) {
        Ok(writer) => writer,
        Err(OpenError::Corrupt { .. }) => return 1,
        Err(error) => panic!("{error}"),
    };
    let log = &writer.log;
    let mut broken = 0;
    let mut check = |is_true: bool| broken += usize::from(!is_true);
    for selector in ["**", "t/*/7", "t/1/**", "t/2/37", "t/3/13", "none"] {
        let all = query(Start::Earliest, &[selector]);
        let matching = events.iter().filter(|event| all.selectors.matches(event.draft.topic()));
        let matching: Vec<_> = matching.cloned().collect();
        check(is_true(found(log, all.clone()), &matching, selector));
        for count in [1, 4, 500] {
            let last = Query { start: Start::Last(count), ..all.clone() };
            let truth = matching[matching.len().saturating_sub(count)..].to_vec();
            check(is_true(found(log, last), &truth, selector));
        }
    }
    for event in events.iter().step_by(97) {
        let Some(id) = event.draft.id() else { continue };
        let first = events.iter().find(|other| other.draft.id() == Some(id));
        let truth = first.expect("the event itself has the id").cursor;
        let answer = read(&log.view(), &log.hash, &query(Start::AfterId(id.clone()), &["**"]));
        let place = answer.map(|reading| match reading {
            Reading::Page(page) => page.after,
            other => panic!("expected a page after {id}, got {other:?}"),
        });
        check(is_true(place, &truth, id.as_str()));
        // Where the writer looks for the event of a key that is published again.
        let key = event.draft.key().map(|key| log.hash.of_key(key.fields()));
        assert_eq!(key.and_then(|key| writer.keys.find(key)), Some(event.cursor.sequence));
    }
    broken
}

/// Does something to a file. Returns what.
fn spoil(disk: &SimDisk, name: &str, others: &[String], dice: &mut Dice) -> String {
    let world = disk.world();
    let mut bytes = world.file(name).unwrap().to_vec();
    let pages = bytes.len() / PAGE;
    if pages == 0 {
        return "no page of it is left".to_owned();
    }
    let page = |at: usize| -> Range<usize> { at * PAGE..(at + 1) * PAGE };
    let (one, two) = (dice.below(pages), dice.below(pages));
    let what = match dice.below(9) {
        0 => {
            let at = dice.below(bytes.len());
            bytes[at] ^= 1 << dice.below(8);
            format!("a bit of byte {at} changed")
        }
        1 => {
            let (from, count) = (dice.below(bytes.len()), 1 + dice.below(40));
            bytes.iter_mut().skip(from).take(count).for_each(|byte| *byte = dice.next() as u8);
            format!("{count} bytes from {from} on are others")
        }
        2 => {
            bytes.truncate(dice.below(bytes.len()));
            format!("cut at {}", bytes.len())
        }
        3 => {
            bytes.truncate(one * PAGE);
            format!("cut after {one} pages")
        }
        4 => {
            let copy = bytes[page(one)].to_vec();
            bytes.copy_within(page(two), one * PAGE);
            bytes[page(two)].copy_from_slice(&copy);
            format!("pages {one} and {two} changed places")
        }
        5 => {
            bytes[page(one)].fill(0);
            format!("page {one} is zeros")
        }
        6 => {
            let count = 1 + dice.below(2 * PAGE);
            bytes.extend((0..count).map(|_| 0xa5));
            format!("{count} bytes more")
        }
        7 => {
            let from = dice.below(bytes.len() - 64);
            let to = dice.below(bytes.len() - 64);
            bytes.copy_within(from..from + 64, to);
            format!("64 bytes of {from} are at {to}, too")
        }
        _ => {
            let other = &others[dice.below(others.len())];
            bytes = world.file(other).unwrap().to_vec();
            format!("it is {other}")
        }
    };
    let file = disk.open(name).unwrap();
    file.set_len(0).unwrap();
    file.write_at(&bytes, 0).unwrap();
    what
}

/// Runs a case, and fails if it does not end.
fn in_time(case: impl FnOnce() -> usize + Send + 'static, what: &str) -> usize {
    let (done, end) = channel();
    let thread = thread::spawn(move || {
        let broken = case();
        let _ = done.send(());
        broken
    });
    let waited = end.recv_timeout(CASE_MAX);
    assert!(waited != Err(RecvTimeoutError::Timeout), "{what}: it does not end");
    thread.join().unwrap_or_else(|_| panic!("{what}: see above"))
}

/// Damage that is there when the store is opened, which makes some indexes anew and sees nothing of the rest.
#[test]
fn no_damage_of_an_index_makes_a_reader_believe_what_is_not_so() {
    let (world, events) = log();
    let indexes = names(&world, ".idx");
    assert!(indexes.len() >= 2);
    assert!(indexes.iter().all(|name| world.file(name).unwrap().len() >= 4 * PAGE));
    assert_eq!(ask(world.clone(), &events), 0);

    let (mut told, mut mended) = (0, 0);
    for seed in 0..seeds(80).end.max(80) {
        let mut dice = Dice::new(seed);
        let disk = SimDisk::of(world.clone(), seed);
        let mut what = format!("seed {seed}");
        for _ in 0..=dice.below(2) {
            let name = &indexes[dice.below(indexes.len())];
            what = format!("{what}, {name}: {}", spoil(&disk, name, &indexes, &mut dice));
        }
        let (world, events) = (disk.world(), events.clone());
        match in_time(move || ask(world, &events), &what) {
            0 => mended += 1,
            _ => told += 1,
        }
    }

    // Both ends are there, or the damage is not what it should be.
    assert!(told > 10 && mended > 10, "{told} told, {mended} mended");
}
