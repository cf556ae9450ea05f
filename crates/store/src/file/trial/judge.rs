//! The judge: holds what a disk has after a kill or a power cut against the ledger.

use std::sync::Arc;

use tidings_core::contract::fixture::{ManualClock, query};
use tidings_core::{Draft, Epoch, Event, Query, Reading, Sequence, Start};

use super::dice::Dice;
use super::play::{Ledger, open_store};
use crate::file::config::{Durability, Retention};
use crate::file::disk::sim::{SimDisk, World};
use crate::file::log::Log;
use crate::file::read::read;

/// All events that match, page by page.
pub(crate) fn read_all(log: &Log, first: Query) -> Vec<Event> {
    let (mut events, mut query) = (Vec::new(), first);
    loop {
        let view = log.view();
        let page = match read(&view, &log.hash, &query) {
            Ok(Reading::Page(page)) => page,
            other => panic!("expected a page for {query:?}, got {other:?}"),
        };
        let done = page.next >= page.head;
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
/// | after a kill | all that was acknowledged, the same epoch | the same | the same |
/// | after a power cut | all that was acknowledged, the same epoch | all but the last interval, and a new epoch if any is gone | all but the newest segment, and a new epoch if any is gone |
///
/// An eviction takes as much as a power cut. It begins no new epoch, because a start of the store in the same start of
/// the machine does not know of the failed sync.
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
    assert_promise(after, ledger, durability, (kept, writer.log.epoch), seed);
    assert_indexes(&held, &writer.log);

    // What is shown now is a fact: the power may go again at once.
    let again = disk.world().after_power_cut(&mut Dice::new(seed));
    drop(writer);
    let writer = open(&SimDisk::of(again, seed), 1);
    assert_eq!(all(&writer.log), held, "seed {seed}: what was shown after the start is not there any more");
    held
}

/// Checks that enough events were kept, and that the epoch tells of those that were not.
fn assert_promise(
    after: After,
    ledger: &Ledger,
    durability: Durability,
    (kept, epoch): (usize, Epoch),
    seed: u64,
) {
    let acknowledged = ledger.acknowledged.len();
    let promised = match after {
        After::Kill => acknowledged,
        After::Eviction | After::PowerCut if ledger.closed => acknowledged,
        After::Eviction | After::PowerCut => ledger.durable,
    };
    assert!(kept >= promised, "seed {seed}, {after:?}: {promised} events were safe, {kept} are there");
    let Some(before) = ledger.epoch else { return };
    let goes_on = durability == Durability::Fsync || after != After::PowerCut;
    assert!(epoch == before || !goes_on, "seed {seed}, {after:?}: a new epoch, and nothing can be gone");
    assert!(
        epoch != before || kept >= acknowledged || after == After::Eviction,
        "seed {seed}: a loss is not told"
    );
}

fn assert_places(held: &[Event], log: &Log, ledger: &Ledger) {
    let bounds = log.bounds();
    assert!(bounds.earliest <= ledger.earliest.max(Sequence(1)), "an event left before its time");
    let places: Vec<_> = held.iter().map(|event| event.sequence.0).collect();
    assert_eq!(places, (bounds.earliest.0..=bounds.head.0).collect::<Vec<_>>());
    assert!(held.is_sorted_by_key(|event| event.time));
}

/// Checks that the log is what was acknowledged and then whole appends that were in doubt, as far as it goes.
/// Returns how far.
fn assert_events(held: &[Event], ledger: &Ledger) -> usize {
    let in_doubt = ledger.in_doubt.iter().flatten();
    let possible: Vec<&Draft> = ledger.acknowledged.iter().chain(in_doubt).collect();
    let head = held.last().map_or(0, |event| event.sequence.0 as usize);
    for event in held {
        let expected = possible.get(event.sequence.0 as usize - 1);
        let place = event.sequence;
        assert!(expected == Some(&&event.draft), "another event than was published is at {place}");
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
        let first = held.iter().find(|other| other.draft.id() == Some(id)).map(|first| first.sequence);
        match read(&log.view(), &log.hash, &query(Start::AfterId(id.clone()), &["**"])) {
            Ok(Reading::Page(page)) => assert_eq!(Some(page.after), first),
            other => panic!("expected a page after {id}, got {other:?}"),
        }
    }
}
