//! A hold on the memory store, compared with what its bounds alone would keep.

use std::sync::Arc;

use proptest::prelude::*;

use super::{MemoryRetention, MemoryStore};
use crate::contract::ManualClock;
use crate::contract::fixture::draft;
use crate::event::{Epoch, Sequence};
use crate::store::{RetentionHold, Store};

fn store(retention: MemoryRetention, hold: &Arc<RetentionHold>) -> MemoryStore {
    MemoryStore::new(Epoch(1), ManualClock::at(0), retention).with_hold(hold.clone())
}

fn append(store: &MemoryStore, bytes: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.append(vec![draft("a", &"x".repeat(bytes))])).unwrap();
}

fn at_most(events_max: usize) -> MemoryRetention {
    MemoryRetention { events_max, ..MemoryRetention::default() }
}

#[test]
fn events_are_wanted_ahead_and_a_step_at_a_time() {
    let hold = Arc::new(RetentionHold::default());
    let store = store(at_most(160), &hold);
    let mut wanted = Vec::new();

    for _ in 0..200 {
        append(&store, 1);
        wanted.extend(hold.wanted_now());
    }

    // A part is 20 events. With less than half of one free, a whole one is wanted; so again after half of it.
    wanted.dedup();
    assert_eq!(wanted, [11, 22, 33, 44, 55].map(Sequence));
    assert_eq!(store.bounds().earliest(), Sequence(1));
}

#[test]
fn what_is_released_ahead_leaves_when_its_place_is_needed() {
    let hold = Arc::new(RetentionHold::default());
    let store = store(at_most(160), &hold);
    for _ in 0..160 {
        append(&store, 1);
    }
    hold.release_through(hold.wanted_now().unwrap());
    assert_eq!(store.bounds().earliest(), Sequence(1));

    append(&store, 1);

    assert_eq!(store.bounds().earliest(), Sequence(2));
}

#[test]
fn the_newest_event_is_never_wanted() {
    let hold = Arc::new(RetentionHold::default());
    let store = store(MemoryRetention { events_max: 0, bytes_max: 0 }, &hold);
    append(&store, 100);
    assert_eq!(hold.wanted_now(), None);

    append(&store, 100);

    assert_eq!(hold.wanted_now(), Some(Sequence(1)));
}

#[test]
fn a_hold_outlives_its_store() {
    let hold = Arc::new(RetentionHold::default());
    drop(store(at_most(1), &hold));

    hold.release_through(Sequence(7));

    assert_eq!(hold.released(), Sequence(7));
}

/// What happens to a store.
#[derive(Debug, Clone)]
enum Act {
    Append(usize),
    /// Releases this many events more than before, or all that is wanted.
    Release(Option<u64>),
    /// Begins an epoch this many events before the head.
    Cut(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0..3_000_usize).prop_map(Act::Append),
        2 => prop::option::of(0..30_u64).prop_map(Act::Release),
        1 => (0..9_u64).prop_map(Act::Cut),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_leaves_unreleased_and_nothing_stays_that_is_released_and_must_go(
        acts in prop::collection::vec(act(), 1..200),
        events_max in 0..60_usize,
        bytes_max in 0..60_000_usize,
    ) {
        let hold = Arc::new(RetentionHold::default());
        let store = store(MemoryRetention { events_max, bytes_max }, &hold);
        // The bytes of each event of the log, with its topic.
        let mut log: Vec<usize> = Vec::new();
        let mut epoch = 1;

        for act in acts {
            match act {
                Act::Append(bytes) => {
                    append(&store, bytes);
                    log.push(bytes + 1);
                }
                Act::Release(Some(more)) => hold.release_through(Sequence(hold.released().0 + more)),
                Act::Release(None) => hold.release_through(hold.wanted_now().unwrap_or_default()),
                Act::Cut(events) => {
                    epoch += 1;
                    let floor = store.bounds().floor.sequence.0;
                    let after = (log.len() as u64).saturating_sub(events).max(floor);
                    store.begin_epoch(Epoch(epoch), Sequence(after));
                    log.truncate(after as usize);
                }
            }
            let floor = store.bounds().floor.sequence.0 as usize;
            let is_over = |floor: usize| {
                let held = &log[floor..];
                held.len() > 1 && (held.len() > events_max || held.iter().sum::<usize>() > bytes_max)
            };
            prop_assert!(floor as u64 <= hold.released().0);
            prop_assert!(floor as u64 == hold.released().0.min(log.len() as u64) || !is_over(floor));
            // All that must go is wanted.
            let must_go = (floor..log.len()).find(|floor| !is_over(*floor)).unwrap_or(floor) as u64;
            let may_go = hold.wanted_now().unwrap_or_default().max(hold.released());
            prop_assert!(may_go.0 >= must_go, "{may_go:?} of {must_go}");
            // A log that was cut is no reason to forget what was wanted of it.
            prop_assert!(epoch > 1 || log.is_empty() || may_go == hold.released() || may_go.0 < log.len() as u64);
        }
    }
}
