//! The hub against a naive model: whatever is published, and however subscribers join, lag, leave and resume,
//! each of them receives what it asked for without loss, repeat, reorder or undeclared gap.
//!
//! Window, pages and retention are so small that every path is taken: live, lagged, backlog, gap.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{
    Delivery, Draft, DraftFields, Epoch, Frame, Hub, Limits, MemoryStore, OnGap, Position, Request, Selector,
    Selectors, Sequence, Subscription, Topic,
};
use tokio::time::timeout;

const TOPICS: [&str; 4] = ["a", "b", "x/y", "x/z"];
const SELECTORS: [&[&str]; 6] = [&["a"], &["b", "a"], &["x/*"], &["**"], &["a", "x/**", "*"], &["quiet"]];

#[derive(Debug, Clone)]
enum Step {
    Publish { topic: usize, count: usize, named: bool },
    Join { selectors: usize, from: usize, on_gap: bool },
    Take { who: usize, deliveries: usize },
    Leave { who: usize },
    Resume { who: usize, by_id: bool },
    Breathe,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..TOPICS.len(), 1..6_usize, any::<bool>())
            .prop_map(|(topic, count, named)| Step::Publish { topic, count, named }),
        2 => (0..SELECTORS.len(), 0..5_usize, any::<bool>())
            .prop_map(|(selectors, from, on_gap)| Step::Join { selectors, from, on_gap }),
        4 => (0..8_usize, 1..4_usize).prop_map(|(who, deliveries)| Step::Take { who, deliveries }),
        1 => (0..8_usize).prop_map(|who| Step::Leave { who }),
        2 => (0..8_usize, any::<bool>()).prop_map(|(who, by_id)| Step::Resume { who, by_id }),
        2 => Just(Step::Breathe),
    ]
}

/// What was published, in order: the naive hub.
#[derive(Default)]
struct Model {
    events: Vec<(Topic, String)>,
}

struct Watcher {
    selectors: Selectors,
    on_gap: OnGap,
    /// None after it left.
    subscription: Option<Subscription>,
    /// Everything it asked for up to here was received, or declared lost.
    place: Sequence,
    /// The id of the last event received.
    last_id: Option<String>,
}

struct World {
    hub: Hub,
    model: Model,
    watchers: Vec<Watcher>,
}

impl World {
    async fn new() -> Self {
        let retention = MemoryRetention { events_max: 30, ..MemoryRetention::default() };
        let store = Arc::new(MemoryStore::new(Epoch(7), ManualClock::at(0), retention));
        let mut limits = Limits::default();
        limits.window_bytes_max = 2_000;
        limits.page_events_max = 3;
        limits.page_bytes_max = 200;
        let hub = Hub::start(store, limits).await.unwrap();
        Self { hub, model: Model::default(), watchers: Vec::new() }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Publish { topic, count, named } => self.publish(TOPICS[topic], count, named).await,
            Step::Join { selectors, from, on_gap } => self.join(SELECTORS[selectors], from, on_gap).await,
            Step::Take { who, deliveries } => self.receive(who, deliveries).await,
            Step::Leave { who } => {
                if let Some(watcher) = self.watchers.get_mut(who) {
                    watcher.subscription = None;
                }
            }
            Step::Resume { who, by_id } => self.resume(who, by_id).await,
            Step::Breathe => tokio::task::yield_now().await,
        }
    }

    async fn publish(&mut self, topic: &str, count: usize, named: bool) {
        let topic = Topic::parse(topic).unwrap();
        let mut drafts = Vec::new();
        for _ in 0..count {
            let number = self.model.events.len() + 1;
            let id = named.then(|| format!("msg{number}"));
            let fields = DraftFields { id: id.as_deref(), ..DraftFields::default() };
            let data = Bytes::from(number.to_string());
            drafts.push(Draft::new(topic.clone(), data, fields, self.hub.limits()).unwrap());
            self.model.events.push((topic.clone(), id.unwrap_or_else(|| format!("7-{number}"))));
        }
        let published = self.hub.publish_all(drafts).await.unwrap();
        assert_eq!(published.last().unwrap().cursor.sequence.0, self.model.events.len() as u64);
    }

    async fn join(&mut self, selectors: &[&str], from: usize, latest_on_gap: bool) {
        if self.watchers.len() == 8 {
            return;
        }
        let selectors = Selectors::new(selectors.iter().map(|text| Selector::parse(text).unwrap())).unwrap();
        let on_gap = if latest_on_gap { OnGap::Latest } else { OnGap::Earliest };
        let head = self.hub.bounds().head;
        let (from, place) = match from {
            0 => (Position::Now, Some(head)),
            1 => (Position::Earliest, Some(self.hub.bounds().earliest.previous())),
            2 => (Position::Id("7-0".to_owned()), Some(Sequence(0))),
            3 => (Position::Id("never-given".to_owned()), None),
            _ => (Position::Last(2), None),
        };
        let request = Request { selectors: selectors.clone(), from, on_gap };
        let opened = self.hub.subscribe(request).await.unwrap();
        let start = opened.subscription.cursor().sequence;
        let place = match (&opened.gap, place) {
            (Some(_), Some(place)) => {
                self.check_gap(&selectors, place, start);
                start
            }
            (_, place) => place.unwrap_or(start),
        };
        let subscription = Some(opened.subscription);
        self.watchers.push(Watcher { selectors, on_gap, subscription, place, last_id: None });
    }

    async fn resume(&mut self, who: usize, by_id: bool) {
        let Some(watcher) = self.watchers.get_mut(who) else { return };
        let cursor = watcher.subscription.take().map(|subscription| subscription.cursor());
        // A client that never saw a cursor after an event has the event's id.
        let (from, place) = match (&watcher.last_id, cursor) {
            (Some(id), _) if by_id => (id.clone(), self.model.place_of(id)),
            (_, Some(cursor)) => (cursor.to_string(), cursor.sequence),
            _ => (format!("7-{}", watcher.place), watcher.place),
        };
        let request = Request {
            selectors: watcher.selectors.clone(),
            from: Position::Id(from),
            on_gap: watcher.on_gap,
        };
        let opened = self.hub.subscribe(request).await.unwrap();
        let start = opened.subscription.cursor().sequence;
        let selectors = watcher.selectors.clone();
        let from = if opened.gap.is_some() { start } else { place };
        watcher.subscription = Some(opened.subscription);
        let seen = std::mem::replace(&mut watcher.place, from);
        let skipped = self.model.matching(&selectors, seen).find(|sequence| *sequence <= place);
        assert_eq!(skipped, None, "a cursor is never ahead of what was received");
        if opened.gap.is_some() {
            self.check_gap(&selectors, place, start);
        }
    }

    async fn receive(&mut self, who: usize, deliveries: usize) {
        for _ in 0..deliveries {
            let Some(watcher) = self.watchers.get_mut(who) else { return };
            let Some(subscription) = &mut watcher.subscription else { return };
            // The clock is paused, so this waits exactly until nothing else can happen.
            let Ok(delivery) = timeout(Duration::from_millis(1), subscription.next()).await else { return };
            let (selectors, place) = (watcher.selectors.clone(), watcher.place);
            match delivery.unwrap().expect("the hub is not closing") {
                Delivery::Frames(frames) => {
                    self.model.check_frames(&selectors, place, &frames);
                    let last = frames.last().unwrap().sequence;
                    watcher.place = last;
                    watcher.last_id = Some(self.model.events[last.0 as usize - 1].1.clone());
                    assert!(subscription.cursor().sequence >= last);
                }
                Delivery::Gap(gap) => {
                    watcher.place = gap.resumes_after.sequence;
                    let to = watcher.place;
                    self.check_gap(&selectors, place, to);
                }
            }
        }
    }

    /// What a gap passes over is really gone, unless the subscriber asked for the newest.
    fn check_gap(&self, selectors: &Selectors, from: Sequence, to: Sequence) {
        let bounds = self.hub.bounds();
        let lost = self.model.matching(selectors, from).find(|sequence| *sequence <= to);
        if let Some(first) = lost {
            assert!(
                first < bounds.earliest || to == bounds.head,
                "{first} is declared lost and is still held"
            );
        }
    }

    async fn finish(mut self) {
        for who in 0..self.watchers.len() {
            if self.watchers[who].subscription.is_none() {
                self.resume(who, false).await;
            }
            self.receive(who, 10_000).await;
            let watcher = &self.watchers[who];
            let missing = self.model.matching(&watcher.selectors, watcher.place).next();
            assert_eq!(missing, None, "subscriber {who} was never given this");
        }
        let watchers = std::mem::take(&mut self.watchers);
        assert_eq!(self.hub.subscriptions(), watchers.len());
        drop(watchers);
        assert_eq!(self.hub.subscriptions(), 0);
        self.hub.close().await.unwrap();
    }
}

impl Model {
    fn matching<'a>(
        &'a self,
        selectors: &'a Selectors,
        after: Sequence,
    ) -> impl Iterator<Item = Sequence> + 'a {
        let numbered = (1..).map(Sequence).zip(&self.events).skip(after.0 as usize);
        numbered.filter(|(_, (topic, _))| selectors.matches(topic)).map(|(sequence, _)| sequence)
    }

    fn check_frames(&self, selectors: &Selectors, after: Sequence, frames: &[Frame]) {
        let got: Vec<_> = frames.iter().map(|frame| frame.sequence).collect();
        let expected: Vec<_> = self.matching(selectors, after).take(got.len()).collect();
        assert_eq!(got, expected);
    }

    fn place_of(&self, id: &str) -> Sequence {
        let at = self.events.iter().position(|(_, known)| known == id).unwrap();
        Sequence(at as u64 + 1)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_subscriber_gets_what_the_model_says(steps in prop::collection::vec(step(), 1..150)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in steps {
                world.take(step).await;
            }
            world.finish().await;
        });
    }
}
