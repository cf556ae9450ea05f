//! The memory store reads what the plain definition says, over many blocks of events, in slices and within a budget.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{draft, draft_with, query, selectors, texts};
use tidings_core::limits::MEMORY_READ_BUDGET;
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

/// As many events as one reading may look at, and some more; the first one is of the topic `first`.
async fn filled(fields: DraftFields<'_>) -> Arc<MemoryStore> {
    let store = store(MemoryRetention::default());
    store.append(vec![draft_with("first", "0", fields)]).await.unwrap();
    for _ in 0..MEMORY_READ_BUDGET / 8_192 + 2 {
        store.append(vec![draft_with("others", "", fields); 8_192]).await.unwrap();
    }
    store
}

#[tokio::test]
async fn a_search_for_the_last_events_that_runs_out_of_its_budget_says_how_far_it_came() {
    let store = filled(DraftFields::default()).await;

    let read = page(&store, query(Start::Last(1), &["first"])).await;
    assert_eq!((texts(&read.events), read.partial), (vec![], true));
    assert!(read.after.sequence > Sequence(1) && read.after.sequence < read.head.sequence, "{read:?}");
    assert!(!read.has_more());

    // What was looked at has an index now, so that the same question comes further.
    let again = page(&store, query(Start::Last(1), &["first"])).await;
    assert_eq!((texts(&again.events), again.partial), (vec!["0".to_owned()], false));
}

#[tokio::test]
async fn a_page_that_runs_out_of_its_budget_ends_where_it_is() {
    let store = filled(DraftFields::default()).await;
    let last = store.append(vec![draft("last", "1")]).await.unwrap().len() as u64;

    let read = page(&store, query(Start::Earliest, &["last"])).await;
    assert!(read.events.is_empty() && read.has_more(), "{read:?}");
    assert!(read.next.sequence.0 >= MEMORY_READ_BUDGET as u64);
    let read = page(&store, query(Start::After(read.next), &["last"])).await;
    assert_eq!((read.events.len() as u64, read.has_more()), (last, false));
}

#[tokio::test]
async fn an_id_that_is_not_found_within_the_budget_is_unknown() {
    let fields = DraftFields { id: Some("same"), ..DraftFields::default() };
    let store = filled(fields).await;
    store.append(vec![draft_with("last", "1", fields)]).await.unwrap();
    let id = store.read(query(Start::Last(1), &["last"])).await.unwrap();
    let Reading::Page(id) = id else { panic!("a page") };
    let ask = |topic| query(Start::AfterId(id.events[0].draft.id().unwrap().clone()), &[topic]);

    assert!(matches!(store.read(ask("last")).await.unwrap(), Reading::Lost { lost: Lost::Unknown, .. }));
    assert_eq!(page(&store, ask("first")).await.after.sequence, Sequence(1));
}

#[tokio::test]
async fn others_have_their_turn_while_a_long_reading_is_under_way() {
    let store = store(MemoryRetention::default());
    store.append(vec![draft("others", ""); 10_000]).await.unwrap();
    let mut read = pin!(store.read(query(Start::Last(1), &["nothing"])));
    let mut context = Context::from_waker(Waker::noop());

    assert!(read.as_mut().poll(&mut context).is_pending());
    store.append(vec![draft("nothing", "1")]).await.unwrap();
    let mut turns = 1;
    let reading = loop {
        match read.as_mut().poll(&mut context) {
            Poll::Pending => turns += 1,
            Poll::Ready(reading) => break reading.unwrap(),
        }
    };

    let Reading::Page(page) = reading else { panic!("a page") };
    assert_eq!((page.events.len(), page.head.sequence), (0, Sequence(10_000)));
    // Nine blocks and the newest events, once for the beginning and once for the page.
    assert_eq!(turns, 10 + 9);
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
