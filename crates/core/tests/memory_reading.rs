//! The memory store reads what the plain definition says, over many blocks of events, in slices and within a budget.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{draft, draft_with, query, selectors, texts};
use tidings_core::limits::{BUDGET_UNITS, COMPARED_SEGMENTS_PER_UNIT, SELECTORS_MAX, TOPIC_SEGMENTS_MAX};
use tidings_core::memory::{MemoryRetention, MemoryStore};
use tidings_core::{Cursor, DraftFields, Epoch, Event, Lost, Page, Query, Reading, Sequence, Start, Store};

fn store(retention: MemoryRetention) -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new(Epoch(1), ManualClock::at(1), retention))
}

async fn page(store: &MemoryStore, query: Query) -> Page {
    match store.read(query).await.unwrap() {
        Reading::Page(page) => page,
        lost => panic!("a page, not {lost:?}"),
    }
}

/// All events from a start on, page by page.
async fn all(store: &MemoryStore, first: Query) -> Vec<Event> {
    let mut page_read = page(store, first.clone()).await;
    let mut events = page_read.events.clone();
    while page_read.has_more() {
        page_read = page(store, Query { start: Start::After(page_read.next), ..first.clone() }).await;
        events.extend(page_read.events.clone());
    }
    events
}

/// Topic of an event, by its number and the number of topics.
fn topic(number: u64, topics: u64) -> String {
    let number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    match number % 11 {
        0 => format!("inbox/{}", number % topics),
        1 => format!("rare/{}/x", number % 4),
        2 => format!("rare/{}/y/{}", number % 4, number % topics),
        _ => format!("orders/{}", number % topics),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn readings_of_many_blocks_are_what_their_definition_says(
        (batches, topics) in (prop::collection::vec(1..900_u64, 1..9), prop::sample::select(vec![1, 40, 100_000])),
        (events_max, cut) in (prop::sample::select(vec![10, 1_500, 100_000_usize]), 0..1_500_u64),
        (events_in_page, last, place) in (1..1_500_usize, 1..3_000_usize, 0..5_000_u64),
        asked in prop::sample::select(vec![
            vec!["**"], vec!["orders/7"], vec!["orders/7", "rare/1/x"], vec!["rare/*/x"], vec!["rare/2/**"],
            vec!["**/y/*"], vec!["*/7"], vec!["inbox/*"], vec!["inbox/3", "nothing"], vec!["*/*/**"], vec!["no/**", "orders/1*"],
            vec!["a/*", "b/*", "c/*", "d/*", "rare/3/*", "orders/5"],
        ]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = store(MemoryRetention { events_max, ..MemoryRetention::default() });
            let mut log: Vec<(Cursor, String, String)> = Vec::new();
            for (batch, count) in batches.iter().enumerate() {
                let first = store.bounds().head.sequence.0;
                let drafts = (0..*count).map(|n| {
                    let number = first + 1 + n;
                    let text = format!("{batch} {number}");
                    let topic = topic(number, topics);
                    log.push((Cursor::new(store.bounds().epoch(), Sequence(number)), topic.clone(), text.clone()));
                    draft(&topic, &text)
                });
                store.append(drafts.collect()).await.unwrap();
                log.drain(..log.len().saturating_sub(events_max));
                if batch == batches.len() / 2 {
                    // As an engine that lost its newest events.
                    let head = store.bounds().head.sequence.0;
                    store.begin_epoch(Epoch(2), Sequence(head.saturating_sub(cut)));
                    log.retain(|(cursor, ..)| cursor.sequence.0 <= head.saturating_sub(cut));
                }
            }
            let bounds = store.bounds();
            let selectors = selectors(&asked);
            let matches = |topic: &str| selectors.matches(draft(topic, "").topic());
            let matching: Vec<_> = log.iter().filter(|(_, topic, _)| matches(topic)).collect();
            let after = |after: u64| matching.iter().filter(|(cursor, ..)| cursor.sequence.0 > after).map(|(.., text)| text.clone()).collect::<Vec<_>>();
            let ask = |start| Query { events_max: events_in_page, bytes_max: 20_000, ..query(start, &asked) };

            let found = all(&store, ask(Start::Earliest)).await;
            prop_assert_eq!(texts(&found), after(0));
            for (event, (cursor, topic, _)) in found.iter().zip(&matching) {
                prop_assert_eq!((event.cursor, event.draft.topic().as_str()), (*cursor, topic.as_str()));
            }
            let first_last = matching.len().saturating_sub(last);
            let expected: Vec<_> = matching[first_last..].iter().map(|(.., text)| text.clone()).collect();
            let read = page(&store, ask(Start::Last(last))).await;
            prop_assert!(!read.partial);
            let before = matching[first_last..].first().map(|(cursor, ..)| cursor.sequence.previous());
            let before = if matching.len() < last { bounds.floor.sequence } else { before.unwrap_or(bounds.floor.sequence) };
            prop_assert_eq!(read.after.sequence, before);
            prop_assert_eq!(texts(&all(&store, ask(Start::Last(last))).await), expected);
            if let Some((cursor, ..)) = log.get(place as usize % log.len().max(1)) {
                prop_assert_eq!(texts(&all(&store, ask(Start::After(*cursor))).await), after(cursor.sequence.0));
            }
            Ok(())
        })?;
    }
}

/// Topics that are the most work to compare, each of one event; the first and the last event are of the topics `first` and
/// `last`.
async fn filled(fields: DraftFields<'_>) -> Arc<MemoryStore> {
    let store = store(MemoryRetention::default());
    store.append(vec![draft_with("first", "0", fields)]).await.unwrap();
    let tail = "/a".repeat(TOPIC_SEGMENTS_MAX - 2);
    let long = |number: u64| draft_with(&format!("{number}/b{tail}"), "", fields);
    store.append((0..events_in_budget() + 500).map(long).collect()).await.unwrap();
    store.append(vec![draft_with("last", "1", fields)]).await.unwrap();
    store
}

/// How many of these topics a reading may compare with [`worst`].
fn events_in_budget() -> u64 {
    BUDGET_UNITS * COMPARED_SEGMENTS_PER_UNIT / (TOPIC_SEGMENTS_MAX as u64 * SELECTORS_MAX as u64)
}

/// As many patterns as there may be, none of which matches these topics, and the index cannot tell; and a topic.
fn worst(topic: &str) -> Vec<String> {
    let runs = |number: usize| format!("{:b}", 128 + number).replace('1', "/a").replace('0', "/*");
    let pattern = |number: usize| format!("**{}/**/a/**/b", runs(number));
    (0..SELECTORS_MAX - 1).map(pattern).chain([topic.to_owned()]).collect()
}

fn ask(start: Start, texts: &[String]) -> Query {
    query(start, &texts.iter().map(String::as_str).collect::<Vec<_>>())
}

#[tokio::test]
async fn a_search_for_the_last_events_that_runs_out_of_its_budget_says_so() {
    let store = filled(DraftFields::default()).await;

    let read = page(&store, ask(Start::Last(2), &worst("last"))).await;
    assert_eq!((texts(&read.events), read.partial), (vec!["1".to_owned()], true));
    assert!(read.after.sequence.next() == read.head.sequence && !read.has_more());

    // Without a pattern, the same events are no work to speak of.
    let read = page(&store, query(Start::Last(2), &["first", "last"])).await;
    assert_eq!((texts(&read.events), read.partial), (vec!["0".to_owned(), "1".to_owned()], false));
}

#[tokio::test]
async fn a_page_that_runs_out_of_its_budget_ends_where_it_is() {
    let store = filled(DraftFields::default()).await;

    let read = page(&store, ask(Start::Earliest, &worst("last"))).await;
    assert!(read.events.is_empty() && read.has_more(), "{read:?}");
    let most = events_in_budget();
    assert!((most * 9 / 10..=most).contains(&read.next.sequence.0), "{read:?}");
    let read = page(&store, ask(Start::After(read.next), &worst("last"))).await;
    assert_eq!((texts(&read.events), read.has_more()), (vec!["1".to_owned()], false));
}

#[tokio::test]
async fn an_id_that_is_not_found_within_the_budget_is_unknown() {
    let fields = DraftFields { id: Some("same"), ..DraftFields::default() };
    let store = filled(fields).await;
    let id = page(&store, query(Start::Last(1), &["last"])).await.events[0].draft.id().unwrap().clone();
    let start = Start::AfterId(id);

    let lost = store.read(ask(start.clone(), &worst("last"))).await.unwrap();
    assert!(matches!(lost, Reading::Lost { lost: Lost::Unknown, .. }));
    assert_eq!(page(&store, query(start, &["last"])).await.after, store.bounds().head);
}

#[tokio::test]
async fn a_small_reading_is_answered_at_once_while_large_ones_go_on() {
    let store = filled(DraftFields::default()).await;
    let (worst, mut context) = (worst("last"), Context::from_waker(Waker::noop()));
    let mut large: Vec<_> = (0..8).map(|_| store.read(ask(Start::Earliest, &worst))).collect();
    for reading in &mut large {
        assert!(reading.as_mut().poll(&mut context).is_pending(), "it goes on elsewhere");
    }

    for small in [query(Start::Last(5), &["**"]), query(Start::Last(1), &["last"])] {
        let mut read = store.read(small.clone());
        let Poll::Ready(reading) = read.as_mut().poll(&mut context) else { panic!("it waits: {small:?}") };
        assert!(matches!(reading.unwrap(), Reading::Page(page) if !page.events.is_empty() && !page.partial));
    }
}

#[tokio::test]
async fn a_long_reading_sees_the_log_that_there_was_when_it_began() {
    let store = filled(DraftFields::default()).await;
    let head = store.bounds().head;
    let mut read = store.read(ask(Start::Last(3), &worst("nothing")));

    assert!(read.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    store.append(vec![draft("nothing", "1")]).await.unwrap();
    let reading = read.await.unwrap();

    let Reading::Page(page) = reading else { panic!("a page") };
    assert_eq!((page.events.len(), page.head, page.partial), (0, head, true));
}

#[tokio::test]
async fn topics_are_told_apart_however_many_there_are() {
    let store = store(MemoryRetention::default());
    store.append((0..3_072).map(|n| draft(&format!("t/{n}"), &n.to_string())).collect()).await.unwrap();

    for n in 0..3_072 {
        let (topic, pattern, other) = (format!("t/{n}"), format!("*/{n}"), format!("**/{n}"));
        for asked in [&[&*topic][..], &[&*pattern], &[&*topic, &*pattern, &*other]] {
            let read = page(&store, query(Start::Last(2), asked)).await;
            assert_eq!(texts(&read.events), [n.to_string()], "{asked:?}");
        }
    }
}

#[tokio::test]
async fn retention_goes_on_where_it_was_after_an_epoch_took_the_newest_events() {
    let store = store(MemoryRetention { events_max: 1_500, ..MemoryRetention::default() });
    store.append((1..=2_000).map(|n| draft("a", &n.to_string())).collect()).await.unwrap();
    store.begin_epoch(Epoch(2), Sequence(700));
    for n in 701..=3_000 {
        store.append(vec![draft("a", &n.to_string())]).await.unwrap();
    }

    assert_eq!(store.bounds().floor.sequence, Sequence(1_500));
    let expected: Vec<_> = (1_501..=3_000).map(|n| n.to_string()).collect();
    assert_eq!(texts(&all(&store, query(Start::Earliest, &["a"])).await), expected);
}
