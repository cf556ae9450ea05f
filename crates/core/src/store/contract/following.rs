//! Following: tails.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use crate::event::Event;
use crate::store::contract::fixture::{Fixture, ManualClock, append, at, texts};
use crate::store::{Store, Tail, Tailed};

/// The events of what a tail handed out, where no new epoch can be told.
pub(crate) fn batch(tailed: Option<Tailed>) -> Option<Arc<[Event]>> {
    tailed.map(|tailed| match tailed {
        Tailed::Events(batch) => batch,
        Tailed::NewEpoch(begins) => panic!("expected events, got a new epoch that begins at {begins}"),
    })
}

/// Takes events until there are so many.
pub(crate) async fn take(tail: &mut dyn Tail, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while events.len() < count {
        let batch = batch(tail.next().await.expect("the tail goes on")).expect("the tail has not ended");
        assert!(!batch.is_empty(), "a batch has at least one event");
        events.extend_from_slice(&batch);
    }
    events
}

pub(crate) fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.cursor.sequence.0).collect()
}

fn numbers_told(tailed: &Tailed) -> Vec<u64> {
    batch(Some(tailed.clone())).map_or(Vec::new(), |batch| numbers(&batch))
}

/// See the name.
pub async fn a_tail_hands_out_the_past_then_the_present(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    append(&*store, "a", &["1", "2", "3"]).await;

    let mut tail = store.tail(at(&*store, 1)).await.unwrap();
    let past = take(&mut *tail, 2).await;
    append(&*store, "b", &["4", "5"]).await;
    let present = take(&mut *tail, 2).await;

    assert_eq!(texts(&past), ["2", "3"]);
    assert_eq!(texts(&present), ["4", "5"]);
}

/// See the name.
pub async fn a_tail_hands_out_reserved_topics_too(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    for (topic, text) in [("inbox/a", "1"), ("a", "2"), ("a", "3")] {
        append(&*store, topic, &[text]).await;
    }

    // There are more events than are waited for, so that a tail which leaves some out does not hang.
    let mut tail = store.tail(at(&*store, 0)).await.unwrap();
    let mut events = take(&mut *tail, 2).await;
    assert_eq!(texts(&events)[..2], ["1", "2"]);
    for (topic, text) in [("tidings/a", "4"), ("a", "5"), ("a", "6"), ("a", "7")] {
        append(&*store, topic, &[text]).await;
    }
    let missing = 6 - events.len();
    events.extend(take(&mut *tail, missing).await);

    assert_eq!(texts(&events)[..6], ["1", "2", "3", "4", "5", "6"]);
}

/// See the name.
pub async fn a_tail_misses_nothing_while_appends_run(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;

    let publishers: Vec<_> = (0..4).map(|_| tokio::spawn(publish_a_hundred(store.clone()))).collect();
    let mut tails = Vec::new();
    for _ in 0..5 {
        tails.push(store.tail(at(&*store, 0)).await.unwrap());
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
    let mut tail = store.tail(at(&*store, 0)).await.unwrap();
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
    let mut early = store.tail(at(&*store, 0)).await.unwrap();
    append(&*store, "a", &["1", "2"]).await;

    store.close().await.unwrap();

    assert_eq!(take(&mut *early, 2).await.len(), 2);
    assert!(early.next().await.unwrap().is_none());
    assert!(early.next().await.unwrap().is_none());
}

/// See the name.
pub async fn a_dropped_wait_takes_nothing(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    let mut tail = store.tail(at(&*store, 0)).await.unwrap();

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

/// Waits for what the tail hands out next, and drops the wait if that is not there after so many polls.
pub(crate) async fn wait_for_polls(tail: &mut dyn Tail, polls: usize) -> Option<Tailed> {
    let mut next = tail.next();
    for _ in 0..polls {
        let poll = poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await;
        if let Poll::Ready(tailed) = poll {
            return Some(tailed.expect("the tail goes on").expect("the tail has not ended"));
        }
        tokio::task::yield_now().await;
    }
    None
}

/// See the name.
pub async fn a_wait_dropped_while_events_arrive_takes_nothing(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    let mut tail = store.tail(at(&*store, 0)).await.unwrap();
    let mut seen = Vec::new();

    // A tail may take a batch in any of its polls and hand it out in a later one, so the wait is dropped after each
    // number of polls: of a tail that has waited, and of one that is behind.
    for round in 0..60 {
        let polls = round % 6 + 1;
        {
            let waiting = wait_for_polls(&mut *tail, polls);
            tokio::pin!(waiting);
            let early = poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context))).await;
            assert!(early.is_pending(), "there is nothing to take yet");
            append(&*store, "a", &["x", "y"]).await;
            seen.extend(waiting.await.iter().flat_map(numbers_told));
        }
        append(&*store, "a", &["x"]).await;
        seen.extend(wait_for_polls(&mut *tail, polls).await.iter().flat_map(numbers_told));
        // No wait for this one is dropped, so it comes even if one before it was lost.
        let last = append(&*store, "a", &["last"]).await;
        while seen.last() != Some(&last.sequence.0) {
            seen.extend(numbers(&take(&mut *tail, 1).await));
        }
    }

    assert_eq!(seen, (1..=240).collect::<Vec<_>>());
}

/// See the name.
pub async fn a_tail_waits_when_it_has_handed_out_everything(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    append(&*store, "a", &["1", "2", "3"]).await;
    let mut tail = store.tail(at(&*store, 1)).await.unwrap();

    take(&mut *tail, 2).await;

    let more = wait_for_polls(&mut *tail, 100).await;
    assert_eq!(more, None);
}
