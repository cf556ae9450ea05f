//! The judge: holds what a disk has after a kill or a power cut against the ledger.

use std::sync::Arc;

use tidings_core::contract::fixture::{ManualClock, query};
use tidings_core::{Cursor, Draft, Epoch, Event, Lost, Placement, Query, Reading, Sequence, Start};

use super::dice::Dice;
use super::failure::append;
use super::play::{Ledger, open_store};
use crate::file::config::{Durability, Retention};
use crate::file::disk::sim::{SimDisk, World};
use crate::file::log::Log;
use crate::file::read::sliced_tests::read;
use crate::file::writer::LogWriter;

/// All events that match, page by page.
pub(crate) fn read_all(log: &Log, first: Query) -> Vec<Event> {
    let (mut events, mut query) = (Vec::new(), first);
    loop {
        let view = log.view();
        let page = match read(&view, &log.hash, &query) {
            Ok(Reading::Page(page)) => page,
            other => panic!("expected a page for {query:?}, got {other:?}"),
        };
        let done = !page.has_more();
        events.extend(page.events);
        if done {
            return events;
        }
        query.start = Start::After(page.next);
    }
}

/// Everything in the log.
pub(crate) fn all(log: &Log) -> Vec<Event> {
    read_all(log, query(Start::Earliest, &["**"]))
}

/// How a store comes to be opened again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// The process died. The system still has in memory what it was told to write.
    Kill,
    /// The process died, and the system has dropped from memory what a failed sync did not bring to the disk.
    Eviction,
    /// The power went, and the machine was started anew.
    PowerCut,
}

/// Opens what is left, and checks that every promise was kept. Returns what is there.
///
/// | | `fsync` | `interval` | `none` |
/// |---|---|---|---|
/// | after a kill | all that was acknowledged | the same | the same |
/// | after a power cut or an eviction | all that was acknowledged | all but the last interval | all but the newest segment |
///
/// Whatever is still there has the id under which it was acknowledged, after this start and after the next one. A reader
/// that had an event which is gone is told, and no other reader is. What comes next is of an epoch that no event had.
pub(crate) fn judge(
    world: World,
    after: After,
    ledger: &Ledger,
    durability: Durability,
    seed: u64,
) -> Vec<Event> {
    let disk = SimDisk::of(world, seed);
    let clock = ManualClock::at(u64::MAX / 2);
    let open = |disk: &SimDisk, start| {
        open_store(disk, durability, Retention::default(), (clock.clone(), start))
            .unwrap_or_else(|error| panic!("seed {seed}, {after:?}: {error}"))
    };
    let writer = open(&disk, if after == After::PowerCut { 1 } else { 0 });
    let held = all(&writer.log);
    assert_places(&held, &writer.log, ledger);
    let kept = assert_events(&held, ledger);
    assert_promise(after, ledger, kept, seed);
    assert_indexes(&held, &writer.log);
    let epochs = ledger.epochs();
    assert!(!epochs.contains(&writer.epoch), "seed {seed}: the epoch was there before");
    let acknowledged = ledger.acknowledged.len() as u64;
    let floor = writer.log.bounds().floor.sequence.0;
    let head = kept as u64;
    let places = [0, floor, floor.midpoint(head), head, head + 1, acknowledged];
    // The newest epochs say it all; there may be dozens.
    for epoch in epochs.into_iter().rev().take(4) {
        assert_readers(&writer.log, &held, epoch, places);
    }

    // What is shown now is a fact: the power may go again at once.
    let again = disk.world().after_power_cut(&mut Dice::new(seed));
    drop(writer);
    let disk = SimDisk::of(again, seed);
    let mut writer = open(&disk, 2);
    assert_eq!(all(&writer.log), held, "seed {seed}: what was shown after the start is not there any more");
    assert_goes_on(&mut writer);
    held
}

/// Checks that the next event is the first of the epoch of this life, for its publisher and for a reader.
pub(super) fn assert_goes_on(writer: &mut LogWriter) {
    let before = writer.log.bounds().head;
    let place = Cursor::new(writer.epoch, before.sequence.next());

    assert_eq!(append(writer, "another").unwrap(), [Placement::New(place)]);
    let read: Vec<_> = read_all(&writer.log, query(Start::After(before), &["**"]));
    assert_eq!(read.iter().map(|event| event.cursor).collect::<Vec<_>>(), [place]);
}

/// Checks what a reader hears who comes with a place of an epoch: up to the last event of the epoch that is there, what
/// follows; beyond it, where the epoch ended; of an epoch with no event there, that what came after may be gone.
pub(super) fn assert_readers(
    log: &Log,
    held: &[Event],
    epoch: Epoch,
    sequences: impl IntoIterator<Item = u64>,
) {
    let bounds = log.bounds();
    let (floor, head) = (bounds.floor, bounds.head);
    let last = held.iter().rfind(|event| event.cursor.epoch == epoch).map(|event| event.cursor.sequence);
    // The place before the first event is still one of the epoch before it.
    let last = last.or((epoch == floor.epoch).then_some(floor.sequence));
    for place in sequences.into_iter().map(|sequence| Cursor::new(epoch, Sequence(sequence))) {
        let reading = read(&log.view(), &log.hash, &query(Start::After(place), &["**"])).unwrap();
        let (lost, resumes_after) = match last {
            Some(last) if place.sequence <= last && place.sequence >= floor.sequence => {
                let Reading::Page(page) = reading else {
                    panic!("{place} is there, and the answer {reading:?}")
                };
                let rest = &held[(place.sequence.0 - floor.sequence.0) as usize..];
                assert!(rest.starts_with(&page.events), "not what follows {place}");
                assert!(page.has_more() || page.events.len() == rest.len(), "less than what follows {place}");
                assert_eq!(page.after, place);
                continue;
            }
            Some(last) if place.sequence > last => (Lost::OtherEpoch, head.at(last)),
            _ if place.sequence < floor.sequence => (Lost::Expired, floor),
            _ => (Lost::OtherEpoch, floor),
        };
        assert_eq!(reading, Reading::Lost { lost, resumes_after }, "after {place} in a log up to {head}");
    }
}

/// Checks that enough events were kept.
fn assert_promise(after: After, ledger: &Ledger, kept: usize, seed: u64) {
    let acknowledged = ledger.acknowledged.len();
    let promised = match after {
        After::Kill => acknowledged,
        After::Eviction | After::PowerCut if ledger.closed => acknowledged,
        After::Eviction | After::PowerCut => ledger.durable,
    };
    assert!(kept >= promised, "seed {seed}, {after:?}: {promised} events were safe, {kept} are there");
}

fn assert_places(held: &[Event], log: &Log, ledger: &Ledger) {
    let bounds = log.bounds();
    assert!(bounds.earliest() <= ledger.earliest.max(Sequence(1)), "an event left before its time");
    let places: Vec<_> = held.iter().map(|event| event.cursor.sequence.0).collect();
    assert_eq!(places, (bounds.earliest().0..=bounds.head.sequence.0).collect::<Vec<_>>());
    assert!(held.is_sorted_by_key(|event| event.time));
}

/// Checks that the log is what was acknowledged and then whole appends that were in doubt, as far as it goes, each event
/// with the id that it had. Returns how far.
fn assert_events(held: &[Event], ledger: &Ledger) -> usize {
    let in_doubt = ledger.in_doubt.iter().flatten();
    let possible: Vec<&Draft> = ledger.acknowledged.iter().chain(in_doubt).collect();
    let head = held.last().map_or(0, |event| event.cursor.sequence.0 as usize);
    for event in held {
        let expected = possible.get(event.cursor.sequence.0 as usize - 1);
        let place = event.cursor.sequence;
        assert!(expected == Some(&&event.draft), "another event than was published is at {place}");
        assert_eq!(Some(event.cursor), ledger.place(place.0 as usize), "the id of an event has changed");
    }
    assert!(head == 0 || ledger.possible_ends().contains(&head), "half an append is there: {head} events");
    head
}

/// Checks that topics and ids lead to the events that they are of.
fn assert_indexes(held: &[Event], log: &Arc<Log>) {
    for selector in ["a", "c/*", "b"] {
        let query = query(Start::Earliest, &[selector]);
        let selectors = query.selectors.clone();
        let expected: Vec<_> =
            held.iter().filter(|event| selectors.matches(event.draft.topic())).cloned().collect();
        assert_eq!(read_all(log, query.clone()), expected);
        let last = Query { start: Start::Last(3), ..query };
        assert_eq!(read_all(log, last), expected[expected.len().saturating_sub(3)..]);
    }
    for event in held.iter().step_by(3) {
        let Some(id) = event.draft.id() else { continue };
        let first = held.iter().find(|other| other.draft.id() == Some(id)).map(|first| first.cursor);
        match read(&log.view(), &log.hash, &query(Start::AfterId(id.clone()), &["**"])) {
            Ok(Reading::Page(page)) => assert_eq!(Some(page.after), first),
            other => panic!("expected a page after {id}, got {other:?}"),
        }
    }
}
