//! The judge: holds what a disk has after a power cut against the ledger.

use std::sync::Arc;

use tidings_core::contract::fixture::{ManualClock, query};
use tidings_core::{Draft, Event, Query, Reading, Sequence, Start};

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

/// Opens what a power cut left, and checks that every promise was kept. Returns what is there.
pub(crate) fn judge(world: World, ledger: &Ledger, durability: Durability, seed: u64) -> Vec<Event> {
    let disk = SimDisk::of(world, seed);
    let clock = ManualClock::at(u64::MAX / 2);
    let open = |disk: &SimDisk, start| {
        open_store(disk, durability, Retention::default(), (clock.clone(), start))
            .unwrap_or_else(|error| panic!("seed {seed}: {error}"))
    };
    let writer = open(&disk, 1);
    let held = all(&writer.log);
    assert_places(&held, &writer.log, ledger);
    let kept = assert_events(&held, ledger);
    if durability == Durability::Fsync || ledger.closed {
        assert!(kept >= ledger.acknowledged.len(), "seed {seed}: an acknowledged event is gone");
    }
    assert_indexes(&held, &writer.log);

    // What is shown now is a fact: the power may go again at once.
    let again = disk.world().after_power_cut(&mut Dice::new(seed));
    drop(writer);
    let writer = open(&SimDisk::of(again, seed), 1);
    assert_eq!(all(&writer.log), held, "seed {seed}: what was shown after the start is not there any more");
    held
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
    let mut possible: Vec<&Draft> = ledger.acknowledged.iter().collect();
    let mut ends = vec![possible.len()];
    for append in &ledger.in_doubt {
        possible.extend(append);
        ends.push(possible.len());
    }
    let head = held.last().map_or(0, |event| event.sequence.0 as usize);
    for event in held {
        let expected = possible.get(event.sequence.0 as usize - 1);
        let place = event.sequence;
        assert!(expected == Some(&&event.draft), "another event than was published is at {place}");
    }
    assert!(head <= ledger.acknowledged.len() || ends.contains(&head), "half an append is there");
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
