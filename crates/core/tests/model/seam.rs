//! All that the model uses of hub and subscription. When their types change, this file follows.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tidings_core::ring::Watcher;
use tidings_core::{
    Cursor, Delivery, DraftFields, Event, Hub, Limits, Lost, OnGap, Position, Request, Selector, Selectors,
    Store, Subscription, Topic,
};
use tokio::time::timeout;

use super::answer::Life;

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
    pub(crate) cursor: Cursor,
    pub(crate) topic: String,
    pub(crate) id: String,
    pub(crate) data: String,
}

impl Began {
    /// The same with places named as in this epoch.
    pub(crate) fn renamed(&self, life: &Life) -> Self {
        let gap = self.gap.clone();
        let gap = gap.map(|gap| Told { resumes_after: life.renamed(gap.resumes_after), ..gap });
        Self { after: life.renamed(self.after), gap }
    }
}

impl Seen {
    fn of(event: &Event) -> Self {
        Self {
            cursor: event.cursor,
            topic: event.draft.topic().as_str().to_owned(),
            id: event.id_text(),
            data: String::from_utf8(event.draft.data().to_vec()).unwrap(),
        }
    }
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
        hub.draft(topic.clone(), Bytes::from(data), fields).unwrap()
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
        Some(delivery @ Delivery::Frames(_)) => Taken::Events(delivery.events().map(Seen::of).collect()),
        Some(Delivery::Gap(gap)) => {
            Taken::Gap(Told { requested: gap.requested, lost: gap.lost, resumes_after: gap.resumes_after })
        }
        None => Taken::End,
    })
}

/// Whether subscribers can see everything that was published, and nothing that was cut off.
pub(crate) fn is_settled(hub: &Hub) -> bool {
    hub.view(&selectors(&["quiet"]), Arc::new(Nobody), 0).head() == hub.bounds().head
}

/// Looks at rings once and waits for none.
struct Nobody;

impl Watcher for Nobody {
    fn ring_moved(&self, _key: usize) {}
}

pub(crate) fn selectors(texts: &[&str]) -> Selectors {
    Selectors::new(texts.iter().map(|text| Selector::parse(text).unwrap())).unwrap()
}
