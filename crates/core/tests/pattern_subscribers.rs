//! Subscribers of patterns: they join anywhere in the window without a read of the store, and catch up page by page.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{draft, selectors};
use tidings_core::memory::MemoryRetention;
use tidings_core::{
    Delivery, Epoch, Hub, Limits, MemoryStore, OnGap, Position, Request, StoreError, Subscription,
};
use tidings_testkit::faulty::FaultyStore;

const EVENTS: usize = 40_000;

/// A hub whose window holds [`EVENTS`] events of four topics, and whose store cannot be read any more.
async fn hub() -> Hub {
    let store = MemoryStore::new(Epoch(36), ManualClock::at(0), MemoryRetention::default());
    let (store, fault) = FaultyStore::new(Arc::new(store));
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    for batch in 0..EVENTS / 1_000 {
        let numbers = batch * 1_000..(batch + 1) * 1_000;
        let topic = |number: usize| ["a/x", "a/y", "b/x", "b/y"][number % 4];
        hub.publish_all(numbers.map(|number| draft(topic(number), &number.to_string())).collect())
            .await
            .unwrap();
    }
    while hub.shown() < hub.bounds().head.sequence {
        tokio::task::yield_now().await;
    }
    fault.refuse_reads(StoreError::Unavailable("nobody may read it".into()));
    hub
}

async fn join(hub: &Hub, texts: &[&str], place: &str) -> Subscription {
    let from = Position::Id(place.to_owned());
    let request = Request { selectors: selectors(texts), from, on_gap: OnGap::Earliest };
    hub.subscribe(request).await.unwrap().subscription
}

/// The numbers of the next events, at least so many.
async fn numbers(subscription: &mut Subscription, count: usize) -> Vec<usize> {
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let Some(delivery) = subscription.next().await.unwrap() else { panic!("the hub is open") };
        assert!(matches!(delivery, Delivery::Frames(_)), "{delivery:?}");
        let of = |data: &[u8]| std::str::from_utf8(data).unwrap().parse::<usize>().unwrap();
        numbers.extend(delivery.events().map(|event| of(event.draft.data())));
    }
    numbers
}

#[tokio::test]
async fn a_pattern_joins_anywhere_in_the_window_without_a_read_of_the_store() {
    let hub = hub().await;
    for (texts, rest) in [(&["*/x"][..], 0), (&["**/y"], 1), (&["b/*", "none/**"], 2)] {
        let of_pattern = |number: &usize| match rest {
            0 => number.is_multiple_of(2),
            1 => number % 2 == 1,
            _ => number % 4 > 1,
        };
        for from in [0, 7, EVENTS - 1_025, EVENTS - 3] {
            let expected: Vec<_> = (from..EVENTS).filter(of_pattern).collect();
            let mut subscription = join(&hub, texts, &format!("10-{from}")).await;

            assert_eq!(numbers(&mut subscription, expected.len()).await, expected, "{texts:?} from {from}");
        }
    }
}

#[tokio::test]
async fn a_pattern_that_matches_nothing_comes_to_the_end_and_goes_on_live() {
    let hub = hub().await;
    let mut subscription = join(&hub, &["c/*"], "10-0").await;

    hub.publish(draft("c/new", "7")).await.unwrap();

    assert_eq!(numbers(&mut subscription, 1).await, [7]);
    assert_eq!(subscription.cursor(), hub.bounds().head);
}

#[tokio::test]
async fn a_reader_that_falls_behind_its_pattern_misses_nothing() {
    let hub = hub().await;
    let mut subscription = join(&hub, &["**/x"], &format!("10-{EVENTS}")).await;

    for round in 0..3 {
        let drafts = |topic: &str| (0..700).map(|number| draft(topic, &number.to_string())).collect();
        hub.publish_all(drafts("c/x")).await.unwrap();
        hub.publish_all(drafts("c/y")).await.unwrap();
        let expected: Vec<_> = (0..700).collect();

        assert_eq!(numbers(&mut subscription, 700).await, expected, "round {round}");
    }
}
