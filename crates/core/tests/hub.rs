//! The hub from outside: exact frames, admission, keys, the end.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{draft, draft_with, selectors};
use tidings_core::memory::MemoryRetention;
use tidings_core::{
    Bounds, Delivery, Draft, DraftError, DraftFields, Epoch, Form, Hub, Limits, MemoryStore, OnGap,
    Placement, Position, PublishError, Query, Reading, Request, Sequence, Store, StoreError, Subscription,
    Tail,
};
use tokio::sync::Semaphore;
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

async fn frames(subscription: &mut Subscription, form: Form) -> Vec<Bytes> {
    match subscription.next().await.unwrap() {
        Some(Delivery::Frames(frames)) => frames.iter().map(|frame| frame.bytes(form)).collect(),
        other => panic!("expected frames, got {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_is_exactly_the_wire_format() {
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

    let expected: [&[u8]; 2] = [
        b"event: ping\nid: msg1\nretry: 10000\ndata: a\ndata: b\ndata: c\ndata: \n\n",
        b"id: 10-2\ndata: \n\n",
    ];
    assert_eq!(frames(&mut subscription, Form::Plain).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_labelled_frame_begins_with_its_topic() {
    let hub = hub().await;
    let mut subscription = subscribe(&hub, &["orders/*", "a"]).await;

    hub.publish_all(vec![draft("orders/42", "x"), draft("b", "y"), draft("a", "z")]).await.unwrap();

    let expected: [&[u8]; 2] =
        [b"topic: orders/42\nid: 10-1\ndata: x\n\n", b"topic: a\nid: 10-3\ndata: z\n\n"];
    assert_eq!(frames(&mut subscription, Form::Labelled).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_takes_nothing() {
    let hub = hub().await;
    let mut subscription = subscribe(&hub, &["a"]).await;

    for n in 1..=10 {
        assert!(timeout(Duration::from_millis(1), subscription.next()).await.is_err());
        hub.publish(draft("a", "x")).await.unwrap();
        assert_eq!(frames(&mut subscription, Form::Plain).await, [format!("id: 10-{n}\ndata: x\n\n")]);
    }
}

#[tokio::test(start_paused = true)]
async fn events_come_in_pieces_as_small_as_asked_for_from_the_log_and_from_memory() {
    let hub = hub().await;
    let drafts = |count| (0..count).map(|_| draft("a", "0123456789")).collect();
    hub.publish_all(drafts(5)).await.unwrap();
    let from_the_log =
        Request { selectors: selectors(&["a"]), from: Position::Earliest, on_gap: OnGap::Earliest };
    let mut subscription = hub.subscribe(from_the_log).await.unwrap().subscription.in_pieces_of(30);

    hub.publish_all(drafts(5)).await.unwrap();

    let mut pieces = Vec::new();
    while pieces.iter().map(Vec::len).sum::<usize>() < 10 {
        pieces.push(frames(&mut subscription, Form::Plain).await);
    }
    assert!(pieces.iter().all(|piece| piece.len() <= 2), "{pieces:?}");
    let expected: Vec<_> = (1..=10).map(|n| format!("id: 10-{n}\ndata: 0123456789\n\n")).collect();
    assert_eq!(pieces.concat(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_cursor_of_a_quiet_topic_moves_with_the_hub() {
    let hub = hub().await;
    let mut quiet = subscribe(&hub, &["quiet"]).await;
    let mut other = subscribe(&hub, &["other"]).await;

    hub.publish(draft("other", "x")).await.unwrap();
    frames(&mut other, Form::Plain).await;

    assert_eq!(quiet.cursor().to_string(), "10-0");
    assert_eq!(quiet.advance().to_string(), "10-1");
    hub.publish(draft("quiet", "y")).await.unwrap();
    assert_eq!(frames(&mut quiet, Form::Plain).await, ["id: 10-2\ndata: y\n\n"]);
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_publish_is_repeated_not_doubled() {
    let hub = hub().await;
    let keyed = |data| draft_with("a", data, DraftFields { key: Some("k"), ..DraftFields::default() });

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
    let named = |id| draft_with("a", "x", DraftFields { id: Some(id), ..DraftFields::default() });

    let own = hub.publish(named("10-99")).await;
    let foreign = hub.publish(named("11-99")).await;

    assert!(matches!(own, Err(PublishError::Draft(DraftError::IdReserved))));
    assert_eq!(foreign.unwrap().id, "11-99");
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
        assert_eq!(frames(&mut opened.subscription, Form::Plain).await.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn subscriptions_end_after_the_last_event_when_the_hub_closes() {
    let hub = hub().await;
    let mut subscription = subscribe(&hub, &["a"]).await;
    hub.publish(draft("a", "last")).await.unwrap();

    hub.close().await.unwrap();

    assert_eq!(frames(&mut subscription, Form::Plain).await.len(), 1);
    assert_eq!(subscription.next().await.unwrap(), None);
    assert!(matches!(hub.publish(draft("a", "x")).await, Err(PublishError::Store(StoreError::Stopped(_)))));
}

/// A store that holds back every append until it is let go.
struct Held {
    inner: Arc<MemoryStore>,
    gate: Semaphore,
}

#[async_trait]
impl Store for Held {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Placement>, StoreError> {
        let _passed = self.gate.acquire().await;
        self.inner.append(drafts).await
    }

    async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        self.inner.read(query).await
    }

    fn bounds(&self) -> Bounds {
        self.inner.bounds()
    }

    async fn tail(&self, after: Sequence) -> Result<Box<dyn Tail>, StoreError> {
        self.inner.tail(after).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.inner.close().await
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_in_flight_are_bounded_and_the_publisher_is_told() {
    let held = Arc::new(Held { inner: memory(), gate: Semaphore::new(0) });
    let mut limits = Limits::default();
    limits.in_flight_bytes_max = 100;
    let hub = Hub::start(held.clone(), limits).await.unwrap();
    let large = || draft("a", &"x".repeat(90));
    let waiting = tokio::spawn({
        let hub = hub.clone();
        async move { hub.publish(large()).await }
    });
    tokio::task::yield_now().await;

    let refused = hub.publish(large()).await;
    held.gate.add_permits(2);
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
    assert_eq!(frames(&mut opened.subscription, Form::Plain).await.len(), 2);
}
