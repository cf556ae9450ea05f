//! All that the model uses of hub and subscription. When their types change, this file follows.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tidings_core::{
    Cursor, Delivery, Draft, DraftFields, Hub, Limits, Lost, OnGap, Position, Request, Selector, Selectors,
    Sequence, Store, Subscription, Topic,
};
use tokio::time::timeout;

/// How long a subscriber waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a subscription began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Began {
    pub(crate) after: Cursor,
    pub(crate) gap: Option<Told>,
}

/// A gap, as a subscriber is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) requested: String,
    pub(crate) lost: Lost,
    pub(crate) resumes_after: Cursor,
}

/// An event as a subscriber sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) sequence: Sequence,
    pub(crate) wire: Bytes,
}

/// What a subscriber takes in one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    Events(Vec<Seen>),
    Gap(Told),
    End,
}

pub(crate) async fn start(store: Arc<dyn Store>, data_bytes: usize, window_events: usize) -> Hub {
    let mut limits = Limits::default();
    limits.window_bytes_max = window_events * (data_bytes + 180);
    limits.page_events_max = 3;
    limits.page_bytes_max = 2 * (data_bytes + 100);
    Hub::start(store, limits).await.unwrap()
}

/// Publishes events next to each other; the answer is the place of each, with the id that subscribers see.
pub(crate) async fn publish(
    hub: &Hub,
    topic: &str,
    data: Vec<String>,
    name: Option<&str>,
) -> Vec<(Cursor, String)> {
    let topic = Topic::parse(topic).unwrap();
    let draft = |data: String| {
        let fields = DraftFields { id: name, ..DraftFields::default() };
        Draft::new(topic.clone(), Bytes::from(data), fields, hub.limits()).unwrap()
    };
    let drafts = data.into_iter().map(draft).collect();
    let published = hub.publish_all(drafts).await.unwrap();
    published.into_iter().map(|published| (published.cursor, published.id)).collect()
}

pub(crate) async fn subscribe(
    hub: &Hub,
    selectors: &Selectors,
    from: Position,
    on_gap: OnGap,
) -> (Subscription, Began) {
    let request = Request { selectors: selectors.clone(), from, on_gap };
    let opened = timeout(PATIENCE, hub.subscribe(request)).await.expect("subscribing ends").unwrap();
    let gap = opened.gap.map(|gap| Told {
        requested: gap.requested,
        lost: gap.lost,
        resumes_after: gap.resumes_after,
    });
    let began = Began { after: opened.subscription.cursor(), gap };
    (opened.subscription, began)
}

/// Waits for what must come.
pub(crate) async fn take(subscription: &mut Subscription) -> Taken {
    take_within(subscription, PATIENCE).await.expect("a subscriber waits in vain for what must come")
}

/// Takes what comes within a time.
pub(crate) async fn take_within(subscription: &mut Subscription, time: Duration) -> Option<Taken> {
    let delivery = timeout(time, subscription.next()).await.ok()?;
    Some(match delivery.unwrap() {
        Some(Delivery::Frames(frames)) => Taken::Events(
            frames
                .iter()
                .map(|frame| Seen { sequence: frame.sequence, wire: frame.bytes(tidings_core::Form::Plain) })
                .collect(),
        ),
        Some(Delivery::Gap(gap)) => {
            Taken::Gap(Told { requested: gap.requested, lost: gap.lost, resumes_after: gap.resumes_after })
        }
        None => Taken::End,
    })
}

/// The bytes that a subscriber sees of an event.
pub(crate) fn wire(id: &str, data: &str) -> Bytes {
    format!("id: {id}\ndata: {data}\n\n").into()
}

/// Whether subscribers can see everything that was published.
pub(crate) fn is_settled(hub: &Hub) -> bool {
    hub.shown() == hub.bounds().head
}

pub(crate) fn selectors(texts: &[&str]) -> Selectors {
    Selectors::new(texts.iter().map(|text| Selector::parse(text).unwrap())).unwrap()
}
