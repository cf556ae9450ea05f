//! Readings in slices: they say what whole readings say, and what their budget does not reach is told.

use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use tidings_core::contract::fixture::{ManualClock, draft_with, selectors};
use tidings_core::limits::BUDGET_UNITS;
use tidings_core::read_desk::{Begun, Desk, Meter, Sharing};
use tidings_core::{Draft, DraftFields, Event, Lost, Query, Reading, Selectors, Sequence, Start};

use tidings_sse::EventId;

use super::id::IdSearch;
use super::matcher::Matcher;
use super::search;
use crate::file::config::{Durability, Retention};
use crate::file::disk::sim::SimDisk;
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::log::{Log, LogView};
use crate::file::trial::failure::append_all;
use crate::file::trial::play::open_store;

/// Events of the log. They are in many segments, and the newest of these has no file for its index yet.
const EVENTS: u64 = 900;

/// A reading in one slice, with the budget of every reading.
pub(crate) fn read(view: &LogView, hash: &KeyedHash, query: &Query) -> Result<Reading, Fault> {
    let meter = Meter::new(BUDGET_UNITS);
    meter.begin_slice(u64::MAX);
    let mut reading = std::pin::pin!(super::read(view, hash, query, &meter));
    let mut context = Context::from_waker(Waker::noop());
    loop {
        // The clock may end a slice.
        if let Poll::Ready(reading) = reading.as_mut().poll(&mut context) {
            return reading;
        }
        meter.begin_slice(u64::MAX);
    }
}

/// What a part of a reading finds that is not limited, and its work.
pub(crate) fn unlimited<T>(part: impl AsyncFnOnce(&Meter) -> T) -> (T, u64) {
    limited(u64::MAX, part)
}

/// What a part of a reading finds with a budget, and its work.
pub(super) fn limited<T>(budget: u64, part: impl AsyncFnOnce(&Meter) -> T) -> (T, u64) {
    let meter = Meter::new(budget);
    let mut part = std::pin::pin!(part(&meter));
    let mut context = Context::from_waker(Waker::noop());
    loop {
        meter.begin_slice(u64::MAX);
        if let Poll::Ready(found) = part.as_mut().poll(&mut context) {
            return (found, meter.work());
        }
    }
}

/// A reading in slices, and the work that it took.
pub(super) fn read_in(log: &Arc<Log>, query: &Query, slice: u64, budget: u64) -> (Reading, u64) {
    let meter = Arc::new(Meter::new(budget));
    let mut reading = search(log.clone(), query.clone(), meter.clone());
    let mut context = Context::from_waker(Waker::noop());
    loop {
        meter.begin_slice(slice);
        if let Poll::Ready(reading) = reading.as_mut().poll(&mut context) {
            return (reading.unwrap(), meter.work());
        }
    }
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

pub(super) fn log() -> (Arc<Log>, Vec<Event>) {
    static LOG: OnceLock<(Arc<Log>, Vec<Event>)> = OnceLock::new();
    LOG.get_or_init(|| {
        let disk = SimDisk::new(0);
        let clock = ManualClock::at(1);
        let mut writer =
            open_store(&disk, Durability::Fsync, Retention::default(), (clock.clone(), 0)).unwrap();
        for batch in 0..EVENTS / 30 {
            clock.set(batch);
            append_all(&mut writer, (batch * 30..(batch + 1) * 30).map(draft).collect()).unwrap();
        }
        let log = writer.log.clone();
        assert!(log.view().segments.len() > 5);
        let everything = query(Start::Earliest, Selectors::everything());
        let (Reading::Page(page), _) = read_in(&log, &everything, u64::MAX, u64::MAX) else {
            panic!("no page")
        };
        assert_eq!(page.events.len() as u64, EVENTS);
        (log, page.events)
    })
    .clone()
}

pub(super) fn query(start: Start, selectors: Selectors) -> Query {
    Query { start, selectors, events_max: 1_000, bytes_max: 1_048_576 }
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

fn any_start() -> impl Strategy<Value = Start> {
    let id = prop_oneof![Just("often".to_owned()), (0..EVENTS).prop_map(|number| format!("id-{number}"))];
    prop_oneof![
        Just(Start::Earliest),
        (0..EVENTS).prop_map(|sequence| Start::After(log().1[0].cursor.at(Sequence(sequence)))),
        id.prop_map(|id| Start::AfterId(EventId::new(id).unwrap())),
        (0..40_u64).prop_map(|time| Start::Since(tidings_core::UnixMillis(time))),
        prop_oneof![0..9_usize, 0..1_000_usize].prop_map(Start::Last),
    ]
}

fn matching(events: &[Event], selectors: &Selectors) -> Vec<Event> {
    events.iter().filter(|event| selectors.matches(event.draft.topic())).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_reading_in_slices_says_what_a_whole_one_says(
        start in any_start(),
        selectors in any_selectors(),
        events_max in 1..50_usize,
        slice in 0..60_u64,
        budget in prop_oneof![1..100_u64, 1..5_000_u64, Just(u64::MAX)],
    ) {
        let (log, _) = log();
        let query = Query { events_max, ..query(start, selectors) };

        let whole = read_in(&log, &query, u64::MAX, budget);

        prop_assert_eq!(read_in(&log, &query, slice, budget), whole);
    }

    #[test]
    fn pages_that_end_with_their_budget_lead_through_the_whole_log(
        selectors in any_selectors(),
        budget in 1..300_u64,
    ) {
        let (log, events) = log();
        let mut query = query(Start::Earliest, selectors);

        let mut found = Vec::new();
        loop {
            let (Reading::Page(page), _) = read_in(&log, &query, 10, budget) else { panic!("no page") };
            prop_assert!(!page.partial);
            found.extend(page.events.iter().cloned());
            if !page.has_more() {
                break;
            }
            prop_assert!(page.next.sequence > page.after.sequence, "a page that leads nowhere");
            query.start = Start::After(page.next);
        }

        prop_assert_eq!(found, matching(&events, &query.selectors));
    }

    #[test]
    fn the_newest_events_are_all_there_or_the_page_says_that_they_are_not(
        count in prop_oneof![0..9_usize, 0..1_000_usize],
        selectors in any_selectors(),
        budget in prop_oneof![1..300_u64, 1..5_000_u64],
    ) {
        let (log, events) = log();
        let query = query(Start::Last(count), selectors);

        let (Reading::Page(page), _) = read_in(&log, &query, 10, budget) else { panic!("no page") };

        let matching = matching(&events, &query.selectors);
        let newest = &matching[matching.len().saturating_sub(count)..];
        let follow = events.iter().filter(|event| event.cursor.sequence > page.after.sequence);
        let follow: Vec<_> = follow.filter(|event| query.selectors.matches(event.draft.topic())).cloned().collect();
        match page.partial {
            false => prop_assert_eq!(&follow[..], newest),
            true => prop_assert!(follow.len() <= newest.len() && newest.ends_with(&follow)),
        }
        prop_assert!(page.events.len() <= follow.len() && follow.starts_with(&page.events));
    }

    #[test]
    fn an_id_is_found_at_its_earliest_event_or_said_to_be_unknown(
        number in 0..EVENTS,
        selectors in any_selectors(),
        budget in prop_oneof![1..300_u64, Just(u64::MAX)],
    ) {
        let (log, events) = log();
        let id = draft(number).id().unwrap().clone();
        let query = query(Start::AfterId(id.clone()), selectors);

        let (reading, work) = read_in(&log, &query, 10, budget);

        let matching = matching(&events, &query.selectors);
        let first = matching.iter().find(|event| event.draft.id() == Some(&id));
        match (reading, first) {
            (Reading::Page(page), Some(first)) => prop_assert_eq!(page.after, first.cursor),
            (Reading::Lost { lost, .. }, _) => {
                prop_assert_eq!(lost, Lost::Unknown);
                prop_assert!(first.is_none() || work >= budget, "{} units of {}", work, budget);
            }
            (page @ Reading::Page(_), None) => prop_assert!(false, "{id} was never there: {page:?}"),
        }
    }
}

#[test]
fn a_reading_that_ends_where_its_slice_ends_says_the_same() {
    let (log, _) = log();
    for start in [Start::Earliest, Start::Last(3), Start::AfterId(EventId::new("often").unwrap())] {
        let query = query(start, selectors(&["rare"]));
        let (whole, work) = read_in(&log, &query, u64::MAX, u64::MAX);

        for slice in [work - 1, work, work + 1] {
            assert_eq!(read_in(&log, &query, slice, u64::MAX), (whole.clone(), work));
        }
        // Nor does a budget take anything away that is exactly as large.
        assert_eq!(read_in(&log, &query, u64::MAX, work + 1), (whole, work));
    }
}

#[test]
fn an_id_of_many_events_is_looked_for_on_a_topic_of_few_without_a_look_at_the_others() {
    let (log, events) = log();
    let often = EventId::new("often").unwrap();
    let with_id = events.iter().filter(|event| event.draft.id() == Some(&often)).count() as u64;

    let never = query(Start::AfterId(often), selectors(&["of/1/its/own"]));
    let (reading, work) = read_in(&log, &never, u64::MAX, u64::MAX);

    assert!(matches!(reading, Reading::Lost { lost: Lost::Unknown, .. }), "{reading:?}");
    assert!(work < with_id, "{work} units for {with_id} events with the id");
}

#[test]
fn an_id_on_several_topics_is_found_at_its_earliest_event_whatever_the_budget() {
    let (log, events) = log();
    let often = EventId::new("often").unwrap();
    let two = query(Start::AfterId(often.clone()), selectors(&["of/60/its/own", "some/times"]));
    let first = events
        .iter()
        .find(|event| event.draft.topic().as_str() == "some/times" && event.draft.id() == Some(&often));
    let first = first.unwrap();

    let mut found = 0;
    for budget in 1..300 {
        match read_in(&log, &two, u64::MAX, budget).0 {
            Reading::Page(page) => {
                found += 1;
                assert_eq!(page.after, first.cursor, "a budget of {budget}");
            }
            Reading::Lost { lost, .. } => assert_eq!(lost, Lost::Unknown),
        }
    }
    assert!(found > 0);
}

#[tokio::test]
async fn an_id_that_is_held_is_never_said_to_be_unknown_because_too_many_look_for_it() {
    let (log, events) = log();
    let often = EventId::new("often").unwrap();
    let rare = |event: &&Event| event.draft.topic().as_str() == "rare" && event.draft.id() == Some(&often);
    let first = events.iter().find(rare).unwrap().cursor;
    let begun = Begun { readings_max: 2, pages_max: 2 };
    let desk = Desk::new(Sharing { at_once: 1, begun, slice: 1 });

    let (mut waiting, mut threads) = (Vec::new(), Vec::new());
    for _ in 0..6 {
        let query = query(Start::AfterId(often.clone()), selectors(&["rare"]));
        let meter = Arc::new(Meter::new(BUDGET_UNITS));
        let (handed_in, thread) = desk.hand_in(search(log.clone(), query, meter.clone()), meter);
        waiting.push(handed_in);
        threads.extend(thread);
    }
    threads.into_iter().for_each(|thread| thread.run());

    let (mut found, mut none) = (0, 0);
    for handed_in in waiting {
        match handed_in.answer().await {
            Some(Ok(Reading::Page(page))) => {
                found += 1;
                assert_eq!(page.after, first);
            }
            Some(answer) => panic!("{answer:?}"),
            None => none += 1,
        }
    }
    assert!(found > 0 && none > 0, "{found} found it, {none} were told to try again");
}

#[test]
fn a_record_with_the_hash_of_an_id_is_not_one_with_the_id() {
    let (log, _) = log();
    let view = log.view();
    let span = view.spans_after(Sequence(0)).next().unwrap();
    let ids = span.segment.index().id(log.hash.of("often")).unwrap();
    let meter = Meter::new(u64::MAX);
    meter.begin_slice(u64::MAX);
    let everything = Selectors::everything();

    let mut search = IdSearch { id: "another", matcher: Matcher::new(&everything), meter: &meter };
    let mut first = std::pin::pin!(search.first(&span, ids, &everything));
    let mut context = Context::from_waker(Waker::noop());

    assert!(ids.len > 10);
    let found = loop {
        if let Poll::Ready(found) = first.as_mut().poll(&mut context) {
            break found.unwrap();
        }
        meter.begin_slice(u64::MAX);
    };
    assert_eq!(found, None);
}

#[test]
fn a_larger_budget_never_finds_fewer_of_the_newest_events() {
    let (log, events) = log();
    let all = query(Start::Last(1_000), selectors(&["rare"]));

    let (mut found, mut steps) = (0, 0);
    for budget in 1..300 {
        let (Reading::Page(page), _) = read_in(&log, &all, u64::MAX, budget) else { panic!("no page") };
        let follow = events.iter().filter(|event| event.cursor.sequence > page.after.sequence);
        let now = follow.filter(|event| event.draft.topic().as_str() == "rare").count();
        assert!(now >= found, "{now} after {found} with a budget of {budget}");
        steps += usize::from(now > found);
        found = now;
    }
    // Segment by segment.
    assert!(found == 9 && steps > 2, "{found} in {steps} steps");
}

#[test]
fn the_last_events_of_a_pattern_that_nothing_matches_cost_no_more_than_the_budget() {
    let (log, _) = log();
    let never = query(Start::Last(5), selectors(&["*/never/**"]));

    let (reading, work) = read_in(&log, &never, 10, 25);

    let Reading::Page(page) = reading else { panic!("expected a page, got {reading:?}") };
    assert!(page.partial);
    // Nothing was found, and what was looked at need not be looked at again.
    assert_eq!((page.after, page.next), (page.head, page.head));
    assert!(page.events.is_empty());
    assert!((25..50).contains(&work), "{work} units");
}

#[test]
fn a_search_by_records_ends_with_its_budget_in_the_midst_of_a_segment() {
    let (log, _) = log();
    let newest = query(Start::Last(1_000), selectors(&["**"]));

    let (reading, work) = read_in(&log, &newest, u64::MAX, 20);

    assert!(matches!(reading, Reading::Page(page) if page.partial));
    assert!(work < 40, "{work} units");
}
