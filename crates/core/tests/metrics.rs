//! What a hub counts, as a registry tells it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{draft, draft_with, selectors};
use tidings_core::memory::MemoryRetention;
use tidings_core::{
    Delivery, DraftFields, Epoch, Hub, KeyFields, Limits, MemoryStore, OnGap, Position, Request,
};
use tidings_testkit::metrics::Exposition;

async fn hub(retention: MemoryRetention, limits: Limits) -> Hub {
    let store = MemoryStore::new(Epoch(1), ManualClock::at(0), retention);
    Hub::start(Arc::new(store), limits).await.unwrap()
}

fn request(from: Position) -> Request {
    Request { selectors: selectors(&["a"]), from, on_gap: OnGap::Earliest }
}

/// Waits until the feed has come to an event.
async fn shown(hub: &Hub, sequence: u64) {
    while hub.shown().0 < sequence {
        tokio::task::yield_now().await;
    }
}

fn read(hub: &Hub) -> Exposition {
    let mut registry = Registry::default();
    hub.register_metrics(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    Exposition::open_metrics(&text)
}

#[tokio::test(start_paused = true)]
async fn a_repetition_is_counted_apart_from_what_was_published() {
    let hub = hub(MemoryRetention::default(), Limits::default()).await;
    let keyed = || {
        let key = Some(KeyFields { credential: "", key: "k" });
        draft_with("a", "four", DraftFields { key, ..DraftFields::default() })
    };
    let bytes = keyed().bytes() + draft("a", "x").bytes();

    hub.publish_all(vec![keyed(), draft("a", "x")]).await.unwrap();
    hub.publish(keyed()).await.unwrap();

    let now = read(&hub);
    assert_eq!(now.value("tidings_published_events_total"), 2.0);
    assert_eq!(now.value("tidings_published_bytes_total"), bytes as f64);
    assert_eq!(now.value("tidings_repeated_events_total"), 1.0);
    assert_eq!(now.value("tidings_log_head"), 2.0);
    assert_eq!(now.value("tidings_in_flight_bytes"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn an_event_beside_one_whose_key_was_reused_is_published_and_counted() {
    let hub = hub(MemoryRetention::default(), Limits::default()).await;
    let keyed = |text| {
        let key = Some(KeyFields { credential: "", key: "k" });
        draft_with("a", text, DraftFields { key, ..DraftFields::default() })
    };
    hub.publish(keyed("one")).await.unwrap();

    hub.publish_all(vec![keyed("another"), draft("a", "x")]).await.unwrap_err();

    assert_eq!(read(&hub).value("tidings_published_events_total"), 2.0);
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_counted_by_its_reason_wherever_it_is_declared() {
    let retention = MemoryRetention { events_max: 2, ..MemoryRetention::default() };
    let mut limits = Limits::default();
    limits.window_bytes_max = 1;
    let hub = hub(retention, limits).await;
    let mut behind = hub.subscribe(request(Position::Now)).await.unwrap().subscription;
    for text in ["1", "2", "3", "4"] {
        hub.publish(draft("a", text)).await.unwrap();
    }
    shown(&hub, 4).await;

    hub.subscribe(request(Position::Id("not one of ours".to_owned()))).await.unwrap().gap.unwrap();
    hub.history(request(Position::Id("1-0".to_owned())), 10).await.unwrap().gap.unwrap();
    assert!(matches!(behind.next().await.unwrap(), Some(Delivery::Gap(_))));

    let now = read(&hub);
    assert_eq!(now.value("tidings_gaps_total{reason=\"expired\"}"), 2.0);
    assert_eq!(now.value("tidings_gaps_total{reason=\"unknown\"}"), 1.0);
    assert_eq!(now.value("tidings_gaps_total{reason=\"other-epoch\"}"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_leaves_the_rings_is_counted_with_the_page_that_it_takes() {
    let mut limits = Limits::default();
    limits.window_bytes_max = 1;
    let hub = hub(MemoryRetention::default(), limits).await;
    let mut behind = hub.subscribe(request(Position::Now)).await.unwrap().subscription;
    let before = read(&hub);
    hub.publish_all(vec![draft("a", "1"), draft("a", "2")]).await.unwrap();
    shown(&hub, 2).await;

    behind.next().await.unwrap();

    let now = read(&hub);
    assert_eq!(now.value("tidings_lagged_total{page=\"store\"}"), 1.0);
    assert_eq!(now.value("tidings_lagged_total{page=\"window\"}"), 0.0);
    assert_eq!(before.value("tidings_lagged_total{page=\"store\"}"), 0.0);
    assert_eq!(now.value("tidings_subscriptions"), 1.0);
    assert_eq!(now.value("tidings_selectors"), 1.0);
    assert!(now.value("tidings_window_bytes") > 1.0);
    assert_eq!(now.value("tidings_window_max_bytes"), 1.0);
}
