//! One step at a time, on one thread, and after each the model's own answer.

use std::sync::Arc;
use std::time::Duration;

use tidings_core::contract::ManualClock;
use tidings_core::{
    Bounds, Clock, Cursor, Hub, OnGap, Position, Selectors, Sequence, Store, Subscription, Topic, UnixMillis,
};

use super::answer::{FIRST_MS, Known, Log, NAMES, is_expired, position, resumption};
use super::seam::{self, Began, Taken, Told};
use super::{Rig, SELECTORS, TOPICS, Wish};

const WATCHERS_MAX: usize = 8;

/// The window of the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Window {
    /// Holds about 11 events, less than the store keeps: subscribers lag.
    Small,
    /// Holds events that the store has let go, so that a hole in it shows.
    Large,
}

impl Window {
    fn events(self) -> usize {
        match self {
            Self::Small => 11,
            Self::Large => 200,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Publish { topic: usize, count: usize, name: Option<usize> },
    Join { selectors: usize, wish: Wish, latest: bool },
    Take { who: usize, deliveries: usize },
    Leave { who: usize },
    Resume { who: usize, by_id: bool },
    Breathe,
    Clock { ms: u64 },
    Restart,
}

struct Watcher {
    selectors: Selectors,
    on_gap: OnGap,
    /// None after it left.
    subscription: Option<Subscription>,
    /// Everything it asked for up to here was received, or declared lost. May be of an earlier log.
    place: Cursor,
    /// The id of the last event received.
    last_id: Option<String>,
}

struct World<R> {
    rig: R,
    window: Window,
    clock: Arc<ManualClock>,
    store: Arc<dyn Store>,
    hub: Hub,
    log: Log,
    watchers: Vec<Watcher>,
}

/// Takes the steps, then lets every subscriber take all there is.
pub(crate) async fn run(rig: impl Rig, window: Window, steps: Vec<Step>) {
    let clock = ManualClock::at(FIRST_MS);
    let store = rig.open(clock.clone()).await;
    let hub = seam::start(store.clone(), rig.data_bytes(), window.events()).await;
    let log = Log::new(&rig);
    let mut world = World { rig, window, clock, store, hub, log, watchers: Vec::new() };
    for step in steps {
        world.step(step).await;
    }
    world.finish().await;
}

impl<R: Rig> World<R> {
    async fn step(&mut self, step: Step) {
        match step {
            Step::Publish { topic, count, name } => self.publish(TOPICS[topic], count, name).await,
            Step::Join { selectors, wish, latest } => self.join(SELECTORS[selectors], wish, latest).await,
            Step::Take { who, deliveries } => self.receive(who, deliveries).await,
            Step::Leave { who } => {
                if let Some(watcher) = self.watchers.get_mut(who) {
                    watcher.subscription = None;
                }
            }
            Step::Resume { who, by_id } => self.resume(who, by_id).await,
            Step::Breathe => tokio::task::yield_now().await,
            // Back, too: the store makes it monotonic.
            Step::Clock { ms } => self.clock.set(FIRST_MS + ms),
            Step::Restart => self.restart().await,
            // A step in which the store begins a new epoch while subscribers are live belongs here. It is `restart`
            // without the end of the subscriptions: `begin_log`, and then a gap for those who are after the end of
            // the old epoch, and for nobody else.
        }
    }

    async fn publish(&mut self, topic: &str, count: usize, name: Option<usize>) {
        let filler = "x".repeat(self.rig.data_bytes());
        let first = self.log.head().0 + 1;
        let data: Vec<_> = (first..first + count as u64).map(|number| format!("{number}{filler}")).collect();
        let published = seam::publish(&self.hub, topic, data.clone(), name.map(|name| NAMES[name])).await;

        let epoch = self.store.bounds().epoch;
        let last_time = self.log.events.last().map_or(UnixMillis(0), |known| known.time);
        for (data, (cursor, id)) in data.into_iter().zip(published) {
            assert_eq!(cursor, Cursor { epoch, sequence: self.log.head().next() });
            assert_eq!(id, name.map_or_else(|| cursor.to_string(), |name| NAMES[name].to_owned()));
            let time = last_time.max(self.clock.now());
            self.log.events.push(Known { topic: Topic::parse(topic).unwrap(), id, data, time });
        }
        assert_eq!(self.log.events.len() as u64, self.store.bounds().head.0);
    }

    async fn join(&mut self, selectors: &[&str], wish: Wish, latest: bool) {
        if self.watchers.len() == WATCHERS_MAX {
            return;
        }
        let selectors = seam::selectors(selectors);
        let on_gap = if latest { OnGap::Latest } else { OnGap::Earliest };
        let from = position(wish, self.store.bounds());
        let (subscription, began) = self.begin(&selectors, from, on_gap).await;
        let subscription = Some(subscription);
        self.watchers.push(Watcher { selectors, on_gap, subscription, place: began.after, last_id: None });
    }

    /// Subscribes, and compares how that begins with what the model says.
    async fn begin(&self, selectors: &Selectors, from: Position, on_gap: OnGap) -> (Subscription, Began) {
        let before = self.store.bounds();
        let is_sure = self.window == Window::Small && seam::is_settled(&self.hub);
        let (subscription, began) = seam::subscribe(&self.hub, selectors, from.clone(), on_gap).await;
        // Retention may run on a thread of its own, and then goes on between two looks.
        let after = self.store.bounds();
        let answers =
            ends_between(before, after).map(|bounds| self.log.begin(&from, selectors, on_gap, bounds));
        // Events that the store let go may still be in a large window, or in any window while the feed has not run.
        let kept = own_place(&from, before).filter(|place| !is_sure && is_expired(*place, after));
        let held_in_memory =
            kept.map(|sequence| Began { after: Cursor { epoch: before.epoch, sequence }, gap: None });
        let legal: Vec<_> = answers.chain(held_in_memory).collect();
        assert!(
            legal.contains(&began),
            "{from:?} of {before:?} began as {began:?}, the model says {legal:?}"
        );
        (subscription, began)
    }

    async fn resume(&mut self, who: usize, by_id: bool) {
        let Some(watcher) = self.watchers.get_mut(who) else { return };
        let subscription = watcher.subscription.take();
        // A subscription that has ended in this log may have moved on over events it did not ask for.
        if let Some(subscription) = subscription {
            self.log.moved_on(&watcher.selectors, watcher.place, subscription.cursor());
            watcher.place = subscription.cursor();
        }
        let (selectors, on_gap, place) = (watcher.selectors.clone(), watcher.on_gap, watcher.place);
        // A client that never saw a cursor after an event has the event's id.
        let id = watcher.last_id.clone().filter(|_| by_id);
        let from = Position::Id(id.unwrap_or_else(|| place.to_string()));
        let (subscription, began) = self.begin(&selectors, from, on_gap).await;
        let watcher = &mut self.watchers[who];
        watcher.subscription = Some(subscription);
        watcher.place = began.after;
    }

    async fn receive(&mut self, who: usize, deliveries: usize) {
        for _ in 0..deliveries {
            if !self.receive_one(who).await {
                return;
            }
        }
    }

    /// Takes what comes next and compares it with the model; false if the model says that nothing comes.
    async fn receive_one(&mut self, who: usize) -> bool {
        let Some(watcher) = self.watchers.get_mut(who) else { return false };
        let Some(subscription) = &mut watcher.subscription else { return false };
        self.log.moved_on(&watcher.selectors, watcher.place, subscription.cursor());
        watcher.place = subscription.cursor();
        let before = self.store.bounds();
        let place = watcher.place.sequence;
        let held_after = place.max(before.earliest.previous());
        let coming = self.log.matching(&watcher.selectors, held_after, before.head).next();
        if coming.is_none() {
            // Nothing that is held comes. What has left may still be in memory, or is declared.
            let taken = seam::take_within(subscription, Duration::from_millis(1)).await;
            assert!(
                taken.is_none() || is_expired(place, self.store.bounds()),
                "nothing can come after {place}, but there is {taken:?}"
            );
            let Some(taken) = taken else { return false };
            self.check(who, before, taken);
            return true;
        }
        let taken = seam::take(subscription).await;
        assert_ne!(taken, Taken::End, "the hub is not closing");
        self.check(who, before, taken);
        true
    }

    fn check(&mut self, who: usize, before: Bounds, taken: Taken) {
        let watcher = &mut self.watchers[who];
        let place = watcher.place.sequence;
        match taken {
            Taken::Events(events) => {
                let expected =
                    self.log.matching(&watcher.selectors, place, self.log.head()).take(events.len());
                let expected: Vec<_> = expected.map(|at| (at, self.log.wire(at))).collect();
                let seen: Vec<_> = events.into_iter().map(|seen| (seen.sequence, seen.wire)).collect();
                assert_eq!(seen, expected);
                let last = expected.last().expect("a delivery has at least one event").0;
                watcher.place.sequence = last;
                watcher.last_id = Some(self.log.get(last).id.clone());
                let cursor = watcher.subscription.as_ref().unwrap().cursor();
                assert!(cursor.sequence >= last);
            }
            Taken::Gap(gap) => {
                let after = self.store.bounds();
                // It may have moved on over events it did not ask for before it came to those that are gone.
                let asked = gap.requested.parse().unwrap();
                self.log.moved_on(&watcher.selectors, watcher.place, asked);
                let place = asked.sequence;
                assert!(is_expired(place, after), "a gap at {place}, and all is held: {after:?}");
                let legal: Vec<_> = ends_between(before, after)
                    .filter(|bounds| is_expired(place, *bounds))
                    .map(|bounds| resumption(watcher.on_gap, bounds))
                    .map(|resumes_after| Told {
                        requested: asked.to_string(),
                        lost: tidings_core::Lost::Expired,
                        resumes_after,
                    })
                    .collect();
                assert!(legal.contains(&gap), "{gap:?}, the model says {legal:?}");
                watcher.place = gap.resumes_after;
            }
            Taken::End => {}
        }
    }

    /// Closes hub and store and opens them again; every subscription takes all there is, and ends.
    async fn restart(&mut self) {
        self.hub.close().await.unwrap();
        for who in 0..self.watchers.len() {
            while let Some(mut subscription) = self.watchers[who].subscription.take() {
                let place = self.watchers[who].place;
                self.log.moved_on(&self.watchers[who].selectors, place, subscription.cursor());
                self.watchers[who].place = subscription.cursor();
                let before = self.store.bounds();
                let taken = seam::take(&mut subscription).await;
                if taken == Taken::End {
                    let place = self.watchers[who].place.sequence;
                    let rest =
                        self.log.matching(&self.watchers[who].selectors, place, self.log.head()).next();
                    assert_eq!(rest, None, "subscriber {who} ended before this");
                    break;
                }
                self.watchers[who].subscription = Some(subscription);
                self.check(who, before, taken);
            }
        }
        self.begin_log().await;
    }

    /// Opens the store and starts a hub on it. The log is the one before, or a new one with another epoch.
    async fn begin_log(&mut self) {
        let old = self.store.bounds();
        self.store = self.rig.open(self.clock.clone()).await;
        self.hub = seam::start(self.store.clone(), self.rig.data_bytes(), self.window.events()).await;
        let new = self.store.bounds();
        if self.rig.survives_restart() {
            assert_eq!((new.epoch, new.head), (old.epoch, old.head));
            assert!(new.earliest >= old.earliest);
        } else {
            assert_ne!(new.epoch, old.epoch);
            assert_eq!(new.head, Sequence::ZERO);
            self.log.events.clear();
        }
    }

    async fn finish(mut self) {
        for who in 0..self.watchers.len() {
            if self.watchers[who].subscription.is_none() {
                self.resume(who, false).await;
            }
            while self.receive_one(who).await {}
            let watcher = &self.watchers[who];
            let missing =
                self.log.matching(&watcher.selectors, watcher.place.sequence, self.log.head()).next();
            assert_eq!(missing, None, "subscriber {who} was never given this");
        }
        let watchers = std::mem::take(&mut self.watchers);
        assert_eq!(self.hub.subscriptions(), watchers.len());
        drop(watchers);
        assert_eq!(self.hub.subscriptions(), 0);
        self.hub.close().await.unwrap();
    }
}

impl Log {
    /// A cursor is never ahead of what was received.
    fn moved_on(&self, selectors: &Selectors, from: Cursor, to: Cursor) {
        assert_eq!(from.epoch, to.epoch);
        assert!(to.sequence >= from.sequence, "a cursor went back from {from} to {to}");
        let skipped = self.matching(selectors, from.sequence, to.sequence).next();
        assert_eq!(skipped, None, "the cursor {to} is ahead of what was received");
    }
}

/// All ends that the log may have had between two looks.
pub(crate) fn ends_between(before: Bounds, after: Bounds) -> impl Iterator<Item = Bounds> {
    let heads = move |earliest| {
        (before.head.0..=after.head.0).map(move |head| Bounds {
            earliest: Sequence(earliest),
            head: Sequence(head),
            epoch: before.epoch,
        })
    };
    (before.earliest.0..=after.earliest.0).flat_map(heads)
}

/// The place that a position names, if it is one of this log.
pub(crate) fn own_place(from: &Position, bounds: Bounds) -> Option<Sequence> {
    let Position::Id(text) = from else { return None };
    let cursor = text.parse::<Cursor>().ok().filter(|cursor| cursor.epoch == bounds.epoch)?;
    Some(cursor.sequence)
}
