//! Following: tails.

use std::sync::Arc;

use crate::contract::fixture::{Fixture, ManualClock, append, texts};
use crate::cursor::Sequence;
use crate::event::Event;
use crate::store::{Store, Tail};

/// Takes events until there are so many.
async fn take(tail: &mut dyn Tail, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while events.len() < count {
        let batch = tail.next().await.expect("the tail goes on").expect("the tail has not ended");
        assert!(!batch.is_empty(), "a batch has at least one event");
        events.extend_from_slice(&batch);
    }
    events
}

fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.sequence.0).collect()
}

/// See the name.
pub async fn a_tail_hands_out_the_past_then_the_present(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    append(&*store, "a", &["1", "2", "3"]).await;

    let mut tail = store.tail(Sequence(1)).await.unwrap();
    let past = take(&mut *tail, 2).await;
    append(&*store, "b", &["4", "5"]).await;
    let present = take(&mut *tail, 2).await;

    assert_eq!(texts(&past), ["2", "3"]);
    assert_eq!(texts(&present), ["4", "5"]);
}

/// See the name.
pub async fn a_tail_misses_nothing_while_appends_run(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;

    let publishers: Vec<_> = (0..4).map(|_| tokio::spawn(publish_a_hundred(store.clone()))).collect();
    let mut tails = Vec::new();
    for _ in 0..5 {
        tails.push(store.tail(Sequence(0)).await.unwrap());
        tokio::task::yield_now().await;
    }
    for tail in &mut tails {
        let events = take(&mut **tail, 400).await;
        assert_eq!(numbers(&events), (1..=400).collect::<Vec<_>>());
    }
    for publisher in publishers {
        publisher.await.unwrap();
    }
}

async fn publish_a_hundred(store: Arc<dyn Store>) {
    for _ in 0..100 {
        append(&*store, "a", &["x"]).await;
    }
}

/// See the name.
pub async fn a_tail_may_be_slow(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    let mut tail = store.tail(Sequence(0)).await.unwrap();
    append(&*store, "a", &["first"]).await;
    take(&mut *tail, 1).await;

    // More batches than any tail keeps.
    for _ in 0..1_000 {
        append(&*store, "a", &["x"]).await;
    }

    assert_eq!(numbers(&take(&mut *tail, 1_000).await), (2..=1_001).collect::<Vec<_>>());
}

/// See the name.
pub async fn a_tail_ends_when_the_store_is_closed_and_all_is_handed_out(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    let mut early = store.tail(Sequence(0)).await.unwrap();
    append(&*store, "a", &["1", "2"]).await;

    store.close().await.unwrap();

    assert_eq!(take(&mut *early, 2).await.len(), 2);
    assert!(early.next().await.unwrap().is_none());
    assert!(early.next().await.unwrap().is_none());
}

/// See the name.
pub async fn a_dropped_wait_takes_nothing(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    let mut tail = store.tail(Sequence(0)).await.unwrap();

    for n in 1..=20 {
        tokio::select! {
            biased;
            _ = tail.next() => panic!("there is nothing to take yet"),
            () = tokio::task::yield_now() => {}
        }
        append(&*store, "a", &["x"]).await;
        assert_eq!(numbers(&take(&mut *tail, 1).await), [n]);
    }
}
