//! Readings in slices: they say what whole readings say, and what their budget does not reach is told.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::reading::read;
use super::{MemoryLog, MemoryRetention, MemoryStore};
use crate::contract::ManualClock;
use crate::contract::fixture::{draft_with, selectors};
use crate::event::{Draft, DraftFields, Epoch, Event, Sequence, UnixMillis};
use crate::read::gap::Lost;
use crate::read_desk::Meter;
use crate::select::Selectors;
use crate::store::{Page, Query, Reading, Start, Store};

/// Events of the log: two blocks, and some that are in none yet.
const EVENTS: u64 = 2_500;

pub(super) fn store(retention: MemoryRetention) -> MemoryStore {
    MemoryStore::new(Epoch(1), ManualClock::at(1), retention)
}

/// A reading in slices, and the work that it took.
pub(super) fn read_in(log: &Arc<MemoryLog>, query: &Query, slice: u64, budget: u64) -> (Reading, u64) {
    let meter = Arc::new(Meter::new(budget));
    let mut reading = Box::pin(read(log.clone(), query.clone(), meter.clone()));
    let mut context = Context::from_waker(Waker::noop());
    loop {
        meter.begin_slice(slice);
        if let Poll::Ready(reading) = reading.as_mut().poll(&mut context) {
            return (reading, meter.work());
        }
    }
}

pub(super) fn page_in(log: &Arc<MemoryLog>, query: &Query, slice: u64, budget: u64) -> (Page, u64) {
    match read_in(log, query, slice, budget) {
        (Reading::Page(page), work) => (page, work),
        (lost, _) => panic!("a page, not {lost:?}"),
    }
}

pub(super) fn query(start: Start, texts: &[&str]) -> Query {
    Query { start, selectors: selectors(texts), events_max: 5_000, bytes_max: 1_048_576 }
}

/// Most events are of topics of their own. One in three has the id `often`, few have it on the topic `rare`.
fn draft(number: u64) -> Draft {
    let topic = match number % 100 {
        7 => "rare".to_owned(),
        50..60 => "some/times".to_owned(),
        _ => format!("of/{number}/its/own"),
    };
    let id = match number % 3 {
        0 => "often".to_owned(),
        _ => format!("id-{number}"),
    };
    let fields = DraftFields { id: Some(&id), ..DraftFields::default() };
    draft_with(&topic, &number.to_string(), fields)
}

/// A log, and all events in it. The indexes of its blocks have room for one.
fn log() -> (Arc<MemoryLog>, Vec<Event>) {
    let clock = ManualClock::at(1);
    let retention = MemoryRetention { bytes_max: 300_000, ..MemoryRetention::default() };
    let store = MemoryStore::new(Epoch(1), clock.clone(), retention);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for batch in 0..EVENTS / 100 {
        clock.set(batch);
        let drafts = (batch * 100..(batch + 1) * 100).map(draft).collect();
        runtime.block_on(store.append(drafts)).unwrap();
    }
    let everything = Query { selectors: Selectors::everything(), ..query(Start::Earliest, &["**"]) };
    let (page, _) = page_in(&store.log, &everything, u64::MAX, u64::MAX);
    assert_eq!(page.events.len() as u64, EVENTS);
    (store.log, page.events)
}

fn any_selectors() -> impl Strategy<Value = Selectors> {
    let texts = [
        &["rare"][..],
        &["some/times"],
        &["rare", "some/times", "of/33/its/own"],
        &["none"],
        &["**"],
        &["*/**"],
        &["some/*"],
        &["*/never/**"],
        &["of/*/its/*", "rare"],
    ];
    prop_oneof![
        8 => prop::sample::select(texts.map(selectors).to_vec()),
        1 => Just(Selectors::everything()),
    ]
}

fn any_start(events: &[Event]) -> impl Strategy<Value = Start> + use<> {
    let first = events[0].cursor;
    let id = prop_oneof![Just("often".to_owned()), (0..EVENTS).prop_map(|number| format!("id-{number}"))];
    prop_oneof![
        Just(Start::Earliest),
        (0..EVENTS).prop_map(move |sequence| Start::After(first.at(Sequence(sequence)))),
        id.prop_map(|id| Start::AfterId(tidings_sse::EventId::new(id).unwrap())),
        (0..30_u64).prop_map(|time| Start::Since(UnixMillis(time))),
        prop_oneof![0..9_usize, 0..3_000_usize].prop_map(Start::Last),
    ]
}

fn matching(events: &[Event], selectors: &Selectors) -> Vec<Event> {
    events.iter().filter(|event| selectors.matches(event.draft.topic())).cloned().collect()
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn a_reading_in_slices_says_what_a_whole_one_says() {
    let (log, events) = log();
    // The indexes that have room are there, so that all readings find the same ones.
    page_in(&log, &query(Start::Earliest, &["none"]), u64::MAX, u64::MAX);
    proptest!(cases(400), |(
        start in any_start(&events),
        selectors in any_selectors(),
        events_max in 1..50_usize,
        slice in 0..60_u64,
        budget in prop_oneof![1..100_u64, 1..5_000_u64, Just(u64::MAX)],
    )| {
        let query = Query { selectors, events_max, ..query(start, &["**"]) };

        let whole = read_in(&log, &query, u64::MAX, budget);

        prop_assert_eq!(read_in(&log, &query, slice, budget), whole);
    });
}

#[test]
fn pages_that_end_with_their_budget_lead_through_the_whole_log() {
    let (log, events) = log();
    proptest!(cases(60), |(selectors in any_selectors(), budget in 1..300_u64)| {
        let mut query = Query { selectors, ..query(Start::Earliest, &["**"]) };

        let mut found = Vec::new();
        loop {
            let (page, _) = page_in(&log, &query, 10, budget);
            assert!(!page.partial);
            found.extend(page.events.iter().cloned());
            if !page.has_more() {
                break;
            }
            assert!(page.next.sequence > page.after.sequence, "a page that leads nowhere");
            query.start = Start::After(page.next);
        }

        assert_eq!(found, matching(&events, &query.selectors));
    });
}

#[test]
fn the_newest_events_are_all_there_or_the_page_says_that_they_are_not() {
    let (log, events) = log();
    proptest!(cases(400), |(
        count in prop_oneof![0..9_usize, 0..3_000_usize],
        selectors in any_selectors(),
        budget in prop_oneof![1..300_u64, 1..5_000_u64],
    )| {
        let query = Query { selectors, ..query(Start::Last(count), &["**"]) };

        let (page, _) = page_in(&log, &query, 10, budget);

        let matching = matching(&events, &query.selectors);
        let newest = &matching[matching.len().saturating_sub(count)..];
        let follow: Vec<_> =
            matching.iter().filter(|event| event.cursor.sequence > page.after.sequence).cloned().collect();
        match page.partial {
            false => assert_eq!(&follow[..], newest, "{query:?}"),
            true => assert!(follow.len() <= newest.len() && newest.ends_with(&follow), "{query:?}"),
        }
        assert!(page.events.len() <= follow.len() && follow.starts_with(&page.events));
    });
}

#[test]
fn a_full_page_goes_on_right_before_the_next_event_that_matches() {
    let (log, events) = log();
    let mut query = Query { events_max: 1, ..query(Start::Earliest, &["rare"]) };
    let rare = matching(&events, &query.selectors);

    for two in rare.windows(2) {
        let (page, _) = page_in(&log, &query, u64::MAX, u64::MAX);
        assert_eq!((page.events, page.next), (vec![two[0].clone()], two[1].cursor.previous()));
        query.start = Start::After(page.next);
    }
}

#[test]
fn an_id_is_found_at_its_earliest_event_or_said_to_be_unknown() {
    let (log, events) = log();
    proptest!(cases(200), |(
        number in 0..EVENTS,
        selectors in any_selectors(),
        budget in prop_oneof![1..300_u64, Just(u64::MAX)],
    )| {
        let id = draft(number).id().unwrap().clone();
        let query = Query { selectors, ..query(Start::AfterId(id.clone()), &["**"]) };

        let (reading, work) = read_in(&log, &query, 10, budget);

        let matching = matching(&events, &query.selectors);
        let first = matching.iter().find(|event| event.draft.id() == Some(&id));
        match (reading, first) {
            (Reading::Page(page), Some(first)) => assert_eq!(page.after, first.cursor),
            (Reading::Lost { lost, .. }, _) => {
                assert_eq!(lost, Lost::Unknown);
                assert!(first.is_none() || work >= budget, "{work} units of {budget}");
            }
            (page @ Reading::Page(_), None) => panic!("{id} was never there: {page:?}"),
        }
    });
}

#[test]
fn a_larger_budget_never_finds_fewer_of_the_newest_events() {
    let (log, events) = log();
    let all = query(Start::Last(1_000), &["*/**", "rare"]);
    page_in(&log, &all, u64::MAX, u64::MAX);

    let (mut found, mut steps) = (0, 0);
    for budget in 1..700 {
        let (page, work) = page_in(&log, &all, u64::MAX, budget);
        let now = events.iter().filter(|event| event.cursor.sequence > page.after.sequence).count();
        assert!(now >= found, "{now} after {found} with a budget of {budget}");
        assert!(work < budget + 600, "{work} units with a budget of {budget}");
        steps += usize::from(now > found);
        found = now;
    }
    assert!(found == 1_000 && steps > 10, "{found} in {steps} steps");
}

#[test]
fn the_last_events_of_a_pattern_that_nothing_matches_cost_no_more_than_the_budget() {
    let (log, _) = log();
    let never = query(Start::Last(5), &["*/*/never"]);

    let (page, work) = page_in(&log, &never, 10, 25);

    assert!(page.partial);
    // Nothing was found, and what was looked at need not be looked at again.
    assert_eq!((page.after, page.next), (page.head, page.head));
    assert!(page.events.is_empty());
    assert!((25..50).contains(&work), "{work} units");
}
