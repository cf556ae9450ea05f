//! What readings are charged for, and what follows from it: who goes first, and what stops.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::reading::read;
use super::sliced_tests::{page_in, query, read_in, store};
use super::{LogReader, MemoryLog, MemoryRetention, MemoryStore};
use crate::contract::fixture::draft_with;
use crate::event::DraftFields;
use crate::limits::{
    BUDGET_UNITS, COMPARED_SEGMENTS_PER_UNIT, MEMORY_BLOCK_EVENTS_MAX, MEMORY_LOOKS_PER_INDEXED,
    MEMORY_LOOKS_PER_UNIT, MEMORY_STEP_UNITS, SELECTORS_MAX, TOPIC_SEGMENTS_MAX,
};
use crate::read_desk::{Begun, Desk, Meter, Search, Sharing};
use crate::store::tail::ReadLog;
use crate::store::{Query, Reading, Start, Store};

/// Events of a log: a block, and some that are in none yet.
const EVENTS: u64 = 1_500;

/// A topic with as many segments as there may be is compared with as many patterns as there may be.
const WORST_COMPARISON: u64 = TOPIC_SEGMENTS_MAX as u64 * SELECTORS_MAX as u64 / COMPARED_SEGMENTS_PER_UNIT;

/// A store of events with one id, whose numbers say their topics.
async fn filled(topic: impl Fn(u64) -> String) -> MemoryStore {
    let store = store(MemoryRetention::default());
    let fields = DraftFields { id: Some("often"), ..DraftFields::default() };
    let drafts = (0..EVENTS).map(|number| draft_with(&topic(number), "", fields)).collect();
    store.append(drafts).await.unwrap();
    store
}

fn often() -> Start {
    Start::AfterId(tidings_sse::EventId::new("often".to_owned()).unwrap())
}

fn long_topic(number: u64) -> String {
    format!("{number}/b{}", "/a".repeat(TOPIC_SEGMENTS_MAX - 2))
}

/// As many patterns as there may be, of which no index can say which of the long topics they match: none.
fn worst(start: Start) -> Query {
    let runs = |number: usize| format!("{:b}", 128 + number).replace('1', "/a").replace('0', "/*");
    let patterns: Vec<_> = (0..SELECTORS_MAX).map(|number| format!("**{}/**/a/**/b", runs(number))).collect();
    query(start, &patterns.iter().map(String::as_str).collect::<Vec<_>>())
}

fn search(log: &Arc<MemoryLog>, query: Query) -> (Search<Reading>, Arc<Meter>) {
    let meter = Arc::new(Meter::new(BUDGET_UNITS));
    (Box::pin(read(log.clone(), query, meter.clone())), meter)
}

#[tokio::test]
async fn comparisons_with_patterns_are_work_wherever_they_are_made() {
    let store = filled(|number| format!("of/{number}/its/own")).await;
    let stars = |start: &Start, numbers: &[usize]| {
        let patterns: Vec<_> = numbers.iter().map(|number| vec!["*"; *number].join("/")).collect();
        query(start.clone(), &patterns.iter().map(String::as_str).collect::<Vec<_>>())
    };
    page_in(&store.log, &query(Start::Earliest, &["none"]), u64::MAX, u64::MAX);

    // A search that finds fewer than were wanted is followed by a page of the whole log.
    for (start, times) in [(Start::Earliest, 1), (Start::Last(5), 2), (often(), 1)] {
        let work = |numbers: &[usize]| read_in(&store.log, &stars(&start, numbers), u64::MAX, u64::MAX).1;
        let few = work(&[1, 2, 3]);
        let many = work(&[1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12]);

        // Eight patterns more, for four segments of each topic.
        let expected = times * 8 * 4 * EVENTS / COMPARED_SEGMENTS_PER_UNIT;
        let comparing = many - few;
        assert!(comparing.abs_diff(expected) < 20, "{comparing} units, not {expected}, for {start:?}");
    }
}

#[tokio::test]
async fn a_topic_of_many_events_of_a_block_is_compared_once() {
    let store = filled(|_| long_topic(1)).await;
    page_in(&store.log, &query(Start::Earliest, &["none"]), u64::MAX, u64::MAX);
    let newest = EVENTS % MEMORY_BLOCK_EVENTS_MAX as u64;

    let (page, work) = page_in(&store.log, &worst(Start::Earliest), u64::MAX, u64::MAX);

    assert_eq!((page.events.len(), page.next), (0, page.head));
    // Those that are in no block yet have no index.
    let expected = (newest + 1) * WORST_COMPARISON;
    assert!((expected..expected + 400).contains(&work), "{work} units, not {expected}");
}

#[tokio::test]
async fn the_reading_that_makes_an_index_is_charged_for_it() {
    let store = filled(|number| format!("t/{number}")).await;
    let last = query(Start::Earliest, &["none"]);

    let (first, second) =
        (page_in(&store.log, &last, 9, u64::MAX).1, page_in(&store.log, &last, 9, u64::MAX).1);

    let making = MEMORY_LOOKS_PER_INDEXED * MEMORY_BLOCK_EVENTS_MAX as u64 / MEMORY_LOOKS_PER_UNIT;
    assert!((first - second).abs_diff(making) < 2, "{first} units, and then {second}");
}

#[tokio::test]
async fn the_worst_patterns_are_compared_in_small_steps() {
    let store = filled(long_topic).await;
    page_in(&store.log, &query(Start::Earliest, &["none"]), u64::MAX, u64::MAX);

    for start in [Start::Earliest, Start::Last(5), often()] {
        let (mut search, meter) = search(&store.log, worst(start.clone()));
        let (mut steps, mut before) = (0, 0);
        loop {
            meter.begin_slice(1);
            let polled = search.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            let units = meter.work() - before;
            (steps, before) = (steps + 1, meter.work());
            // The first step in the block asks its index.
            assert!(units <= MEMORY_STEP_UNITS + 2 * WORST_COMPARISON + 100, "{units} units for {start:?}");
            if polled.is_ready() {
                break;
            }
        }
        assert!(steps > EVENTS / 2, "{steps} steps for {start:?}");
    }
}

#[tokio::test]
async fn a_reading_with_little_work_passes_those_with_much() {
    let store = filled(long_topic).await;
    page_in(&store.log, &query(Start::Earliest, &["none"]), u64::MAX, u64::MAX);
    let begun = Begun { readings_max: 9, pages_max: 9 };
    let desk = Desk::new(Sharing { at_once: 1, begun, slice: 256 });
    let ended = Arc::new(Mutex::new(Vec::new()));
    let named = |name: &'static str, query: Query| {
        let ((search, meter), ended) = (search(&store.log, query), ended.clone());
        let search: Search<()> = Box::pin(async move {
            search.await;
            ended.lock().unwrap().push(name);
        });
        desk.hand_in(search, meter)
    };

    // Some slices for the small one; a hundred times as many for the others.
    let (_page, thread) = named("page", worst(Start::Earliest));
    let (_last, _) = named("last", worst(Start::Last(5)));
    let (_id, _) = named("id", worst(often()));
    let (_small, _) = named("small", query(Start::Last(5), &["*/*", "**/c"]));
    thread.unwrap().run();

    assert_eq!(ended.lock().unwrap().len(), 4);
    assert_eq!(ended.lock().unwrap()[0], "small");
}

#[tokio::test]
async fn a_reading_whose_caller_leaves_stops() {
    let store = filled(long_topic).await;
    let begun = Begun { readings_max: 9, pages_max: 9 };
    let desk = Desk::new(Sharing { at_once: 1, begun, slice: 256 });
    // The only thread is taken, so that none is begun for the reading.
    let (_first, thread) =
        desk.hand_in(search(&store.log, worst(Start::Earliest)).0, Arc::new(Meter::new(1)));
    let reader = LogReader { log: store.log.clone(), desk };
    let before = Arc::strong_count(&store.log);

    let mut read = reader.read(worst(Start::Earliest));
    let polled = read.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Pending));
    assert_eq!(Arc::strong_count(&store.log), before + 1, "it waits at the desk");
    drop(read);

    assert_eq!(Arc::strong_count(&store.log), before);
    drop(thread);
}

#[tokio::test]
async fn indexes_take_no_more_than_their_share_and_readings_find_the_same_without_them() {
    let retention = MemoryRetention { bytes_max: 500_000, ..MemoryRetention::default() };
    let store = store(retention);
    for batch in 0..8_u64 {
        let topics = (batch * 1_024..(batch + 1) * 1_024).map(|number| format!("of/{number}/its/own"));
        let drafts = topics.map(|topic| draft_with(&topic, &topic, DraftFields::default())).collect();
        store.append(drafts).await.unwrap();
    }
    let blocks: Vec<_> = store.log.contents().events.blocks().cloned().collect();
    let indexed = || blocks.iter().map(|block| block.index().is_some()).collect::<Vec<_>>();
    let bytes =
        || blocks.iter().filter_map(|block| block.index().as_ref().map(super::index::Index::bytes)).sum();

    for start in [Start::Earliest, Start::Last(9)] {
        for number in [3, 7_000, 9_999] {
            let topic = format!("of/{number}/its/own");
            let (page, _) = page_in(&store.log, &query(start.clone(), &[&topic]), u64::MAX, u64::MAX);
            assert_eq!(page.events.len(), usize::from(number < 8_192), "{topic}");
            let bytes: usize = bytes();
            assert!((150_000..=250_000).contains(&bytes), "{bytes} bytes");
        }
    }
    assert_eq!(indexed(), [false, false, false, false, true, true, true, true]);
}
