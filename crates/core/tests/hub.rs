//! The hub from outside: what subscribers get, admission, keys, the end.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{draft, draft_with, selectors};
use tidings_core::memory::MemoryRetention;
use tidings_core::{
    Delivery, DraftError, DraftFields, Encoding, Epoch, Event, Hub, Limits, MemoryStore, OnGap, Position,
    PublishError, Request, Selectors, Store, StoreError, Subscription, Topic,
};
use tidings_sse::EventType;
use tidings_testkit::faulty::FaultyStore;
use tokio::time::timeout;

fn memory() -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new(Epoch(36), ManualClock::at(0), MemoryRetention::default()))
}

async fn hub() -> Hub {
    Hub::start(memory(), Limits::default()).await.unwrap()
}

async fn subscribe(hub: &Hub, texts: &[&str]) -> Subscription {
    let request = Request { selectors: selectors(texts), from: Position::Now, on_gap: OnGap::Earliest };
    hub.subscribe(request).await.unwrap().subscription
}

async fn events(subscription: &mut Subscription) -> Vec<Event> {
    match subscription.next().await.unwrap() {
        Some(delivery @ Delivery::Frames(_)) => delivery.events().cloned().collect(),
        other => panic!("expected events, got {other:?}"),
    }
}

/// An event as `id topic data`.
fn line(event: &Event) -> String {
    let Event { draft, .. } = event;
    let data = String::from_utf8_lossy(draft.data());
    format!("{} {} {data}", event.id_text(), draft.topic().as_str())
}

async fn lines(subscription: &mut Subscription) -> Vec<String> {
    events(subscription).await.iter().map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn an_event_is_delivered_with_all_its_fields() {
    let hub = hub().await;
    let mut subscription = subscribe(&hub, &["orders/42"]).await;
    let fields = DraftFields {
        event_type: Some("ping"),
        id: Some("msg1"),
        retry_ms: Some(10_000),
        ..DraftFields::default()
    };

    hub.publish_all(vec![draft_with("orders/42", "a\r\nb\rc\n", fields), draft("orders/42", "")])
        .await
        .unwrap();

    let events = events(&mut subscription).await;
    assert_eq!(
        events.iter().map(line).collect::<Vec<_>>(),
        ["msg1 orders/42 a\r\nb\rc\n", "10-2 orders/42 "]
    );
    let rest = |event: &Event| {
        let event_type = event.draft.event_type().map(|event_type| event_type.as_str().to_owned());
        (event_type, event.draft.retry_ms())
    };
    assert_eq!(rest(&events[0]), (Some("ping".to_owned()), Some(10_000)));
    assert_eq!(rest(&events[1]), (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_of_several_topics_gets_the_events_of_each_in_order() {
    let hub = hub().await;
    let mut subscription = subscribe(&hub, &["orders/*", "a"]).await;

    hub.publish_all(vec![draft("orders/42", "x"), draft("b", "y"), draft("a", "z")]).await.unwrap();

    assert_eq!(lines(&mut subscription).await, ["10-1 orders/42 x", "10-3 a z"]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_takes_nothing() {
    let hub = hub().await;
    let mut subscription = subscribe(&hub, &["a"]).await;

    for n in 1..=10 {
        assert!(timeout(Duration::from_millis(1), subscription.next()).await.is_err());
        hub.publish(draft("a", "x")).await.unwrap();
        assert_eq!(lines(&mut subscription).await, [format!("10-{n} a x")]);
    }
}

#[tokio::test(start_paused = true)]
async fn events_come_in_pieces_as_small_as_asked_for_from_the_log_and_from_memory() {
    let hub = hub().await;
    let drafts = |count| (0..count).map(|_| draft("a", "0123456789")).collect();
    hub.publish_all(drafts(5)).await.unwrap();
    let from_the_log =
        Request { selectors: selectors(&["a"]), from: Position::Earliest, on_gap: OnGap::Earliest };
    let mut subscription = hub.subscribe(from_the_log).await.unwrap().subscription.in_pieces_of(22);

    hub.publish_all(drafts(5)).await.unwrap();

    let mut pieces = Vec::new();
    while pieces.iter().map(Vec::len).sum::<usize>() < 10 {
        pieces.push(lines(&mut subscription).await);
    }
    assert!(pieces.iter().all(|piece| piece.len() <= 2), "{pieces:?}");
    let expected: Vec<_> = (1..=10).map(|n| format!("10-{n} a 0123456789")).collect();
    assert_eq!(pieces.concat(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_cursor_of_a_quiet_topic_moves_with_the_hub() {
    let hub = hub().await;
    let mut quiet = subscribe(&hub, &["quiet"]).await;
    let mut other = subscribe(&hub, &["other"]).await;

    hub.publish(draft("other", "x")).await.unwrap();
    lines(&mut other).await;

    assert_eq!(quiet.cursor().to_string(), "10-0");
    assert_eq!(quiet.advance().to_string(), "10-1");
    hub.publish(draft("quiet", "y")).await.unwrap();
    assert_eq!(lines(&mut quiet).await, ["10-2 quiet y"]);
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_publish_is_repeated_not_doubled() {
    let hub = hub().await;
    let keyed = |data| draft_with("a", data, DraftFields { key: Some("k".into()), ..DraftFields::default() });

    let first = hub.publish(keyed("x")).await.unwrap();
    let second = hub.publish(keyed("x")).await.unwrap();
    let reused = hub.publish(keyed("y")).await;

    assert_eq!((first.id.as_str(), first.repeated), ("10-1", false));
    assert_eq!((second.id.as_str(), second.repeated), ("10-1", true));
    assert!(matches!(reused, Err(PublishError::KeyReused { index: 0 })));
}

#[tokio::test(start_paused = true)]
async fn an_id_in_the_form_of_the_hubs_own_cursors_is_refused() {
    let hub = hub().await;
    let named = |id| {
        let fields = DraftFields { id: Some(id), ..DraftFields::default() };
        hub.draft(Topic::parse("a").unwrap(), Bytes::from_static(b"x"), fields)
    };

    assert_eq!(named("10-99"), Err(DraftError::IdReserved));
    assert_eq!(hub.publish(named("11-99").unwrap()).await.unwrap().id, "11-99");
}

#[tokio::test(start_paused = true)]
async fn a_cursor_of_another_epoch_is_a_gap_and_never_a_guess() {
    let hub = hub().await;
    hub.publish_all(vec![draft("a", "1"), draft("a", "2")]).await.unwrap();

    for (asked, reason) in [("zz-1", "other-epoch"), ("10-3", "unknown"), ("no-such-id", "unknown")] {
        let request = Request {
            selectors: selectors(&["a"]),
            from: Position::Id(asked.to_owned()),
            on_gap: OnGap::Earliest,
        };
        let mut opened = hub.subscribe(request).await.unwrap();
        let gap = opened.gap.unwrap();
        assert_eq!((gap.requested.as_str(), gap.lost.as_str()), (asked, reason));
        assert_eq!(gap.resumes_after.to_string(), "10-0");
        assert_eq!(lines(&mut opened.subscription).await.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn subscriptions_end_after_the_last_event_when_the_hub_closes() {
    let hub = hub().await;
    let mut subscription = subscribe(&hub, &["a"]).await;
    hub.publish(draft("a", "last")).await.unwrap();

    hub.close().await.unwrap();

    assert_eq!(lines(&mut subscription).await.len(), 1);
    assert!(subscription.next().await.unwrap().is_none());
    assert!(matches!(hub.publish(draft("a", "x")).await, Err(PublishError::Store(StoreError::Stopped(_)))));
}

#[tokio::test(start_paused = true)]
async fn bytes_in_flight_are_bounded_and_the_publisher_is_told() {
    let (store, fault) = FaultyStore::new(memory());
    fault.hold();
    let mut limits = Limits::default();
    limits.in_flight_bytes_max = 100;
    let hub = Hub::start(Arc::new(store), limits).await.unwrap();
    let large = || draft("a", &"x".repeat(90));
    let waiting = tokio::spawn({
        let hub = hub.clone();
        async move { hub.publish(large()).await }
    });
    tokio::task::yield_now().await;

    let refused = hub.publish(large()).await;
    fault.let_through(2);
    let placed = waiting.await.unwrap();
    let afterwards = hub.publish(draft("a", &"x".repeat(1_000))).await;

    assert!(matches!(refused, Err(PublishError::Busy)));
    assert_eq!(placed.unwrap().id, "10-1");
    assert_eq!(afterwards.unwrap().id, "10-2", "one that is larger than the bound goes alone");
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_starts_again_serves_the_newest_from_memory() {
    let store = memory();
    store.append((0..50).map(|n| draft("a", &n.to_string())).collect()).await.unwrap();

    let hub = Hub::start(store, Limits::default()).await.unwrap();
    let request = Request {
        selectors: selectors(&["a"]),
        from: Position::Id("10-48".to_owned()),
        on_gap: OnGap::Earliest,
    };
    let mut opened = hub.subscribe(request).await.unwrap();

    assert!(opened.subscription.is_live());
    assert_eq!(lines(&mut opened.subscription).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn events_that_a_hub_begins_with_are_encoded_as_those_that_arrive() {
    static DATA: Encoding = Encoding {
        name: "data",
        encode: |event, buffer| {
            buffer.extend_from_slice(event.draft.data());
            Some(0..event.draft.data().len())
        },
    };
    let store = memory();
    store.append(vec![draft("a", "past")]).await.unwrap();
    let hub = Hub::start_encoding(store, Limits::default(), &[&DATA]).await.unwrap();
    let from = Position::Id("10-0".to_owned());
    let request = Request { selectors: selectors(&["a"]), from, on_gap: OnGap::Earliest };
    let mut subscription = hub.subscribe(request).await.unwrap().subscription;
    hub.publish(draft("a", "present")).await.unwrap();

    let mut encoded = Vec::new();
    while encoded.len() < 2 {
        match subscription.next().await.unwrap() {
            Some(Delivery::Frames(frames)) => {
                encoded.extend(frames.iter().map(|frame| frame.encoded(&DATA).cloned()));
            }
            other => panic!("expected frames, got {other:?}"),
        }
    }
    assert_eq!(encoded, [Some("past".into()), Some("present".into())]);
}

/// Which events each of some subscribers gets, of those that [`publish_reserved`] publishes.
fn readers_of_reserved_topics() -> [(Selectors, &'static [&'static str]); 7] {
    [
        (selectors(&["**"]), &["1", "4", "5"]),
        (selectors(&["*/a"]), &["5"]),
        (selectors(&["**/a", "tidings/a"]), &["1", "3", "5"]),
        (selectors(&["inbox/**"]), &["2", "4"]),
        (selectors(&["inbox/a"]), &["2"]),
        (selectors(&["tidings/*", "a"]), &["1", "3"]),
        (Selectors::everything(), &["1", "2", "3", "4", "5"]),
    ]
}

async fn publish_reserved(hub: &Hub) {
    let own_type = EventType::new("tidings.note").unwrap();
    let own = hub.own_draft(Topic::parse("tidings/a").unwrap(), &own_type, Bytes::from_static(b"3")).unwrap();
    let drafts = vec![draft("a", "1"), draft("inbox/a", "2"), own, draft("inbox", "4"), draft("b/a", "5")];
    hub.publish_all(drafts).await.unwrap();
}

/// Reads what a subscriber has to come, and no more.
async fn expect_data(subscription: &mut Subscription, expected: &[&str]) {
    let mut data = Vec::new();
    while data.len() < expected.len() {
        let events = timeout(Duration::from_secs(1), events(subscription)).await;
        let events = events.unwrap_or_else(|_| panic!("{data:?} came, and then nothing"));
        data.extend(events.iter().map(|event| String::from_utf8_lossy(event.draft.data()).into_owned()));
    }
    assert_eq!(data, expected);
    let more = timeout(Duration::from_secs(1), subscription.next()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test(start_paused = true)]
async fn a_state_record_has_a_place_of_its_own_and_is_delivered_as_one() {
    let hub = hub().await;
    let selectors = selectors(&["tidings/inbox/state"]);
    let request = Request { selectors, from: Position::Now, on_gap: OnGap::Earliest };
    let mut live = hub.subscribe(request.clone()).await.unwrap().subscription;
    let topic = Topic::parse("tidings/inbox/state").unwrap();
    let state = hub.state_draft(topic, &EventType::new("tidings.state").unwrap(), "s".into()).unwrap();

    hub.publish_all(vec![draft("a", "1"), state, draft("a", "3")]).await.unwrap();

    let from = Position::Earliest;
    let mut later = hub.subscribe(Request { from, ..request }).await.unwrap().subscription;
    for subscription in [&mut live, &mut later] {
        let events = events(subscription).await;
        assert_eq!(events.len(), 1);
        assert!(events[0].draft.is_state() && events[0].cursor.sequence.0 == 2, "{events:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn reserved_topics_go_live_to_those_that_name_them_and_to_those_that_ask_for_everything() {
    let hub = hub().await;
    let mut subscriptions = Vec::new();
    for (selectors, expected) in readers_of_reserved_topics() {
        let request = Request { selectors, from: Position::Now, on_gap: OnGap::Earliest };
        subscriptions.push((hub.subscribe(request).await.unwrap().subscription, expected));
    }

    publish_reserved(&hub).await;

    for (subscription, expected) in &mut subscriptions {
        expect_data(subscription, expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn reserved_topics_of_the_past_are_read_by_the_same_rule_from_memory_and_from_the_store() {
    let store = memory();
    let before = Hub::start(store.clone(), Limits::default()).await.unwrap();
    publish_reserved(&before).await;
    let mut small = Limits::default();
    small.window_bytes_max = 1;

    for (limits, held) in [(Limits::default(), true), (small, false)] {
        let hub = Hub::start(store.clone(), limits).await.unwrap();
        assert_eq!(
            hub.has_evicted(hub.bounds().floor),
            !held,
            "the window holds all, or the newest event alone"
        );
        for (selectors, expected) in readers_of_reserved_topics() {
            let last = expected.len().min(2);
            for (from, expected) in
                [(Position::Earliest, expected), (Position::Last(last), &expected[expected.len() - last..])]
            {
                let request = Request { selectors: selectors.clone(), from, on_gap: OnGap::Earliest };
                let mut subscription = hub.subscribe(request).await.unwrap().subscription;
                expect_data(&mut subscription, expected).await;
            }
        }
    }
}
