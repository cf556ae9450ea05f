//! One step at a time, on one thread, and after each the model's own answer.

use std::sync::Arc;
use std::time::Duration;

use tidings_core::contract::ManualClock;
use tidings_core::{
    Bounds, Clock, Cursor, Hub, Lost, OnGap, Position, Selectors, Sequence, Store, Subscription, Topic,
    UnixMillis,
};

use super::answer::{FIRST_MS, Known, Life, Log, NAMES, is_expired, position, resumption};
use super::seam::{self, Began, Taken};
use super::{Files, Rig, SELECTORS, TOPICS, Wish};

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
    Publish {
        topic: usize,
        count: usize,
        name: Option<usize>,
    },
    Join {
        selectors: usize,
        wish: Wish,
        latest: bool,
    },
    Take {
        who: usize,
        deliveries: usize,
    },
    Leave {
        who: usize,
    },
    Resume {
        who: usize,
        by_id: bool,
    },
    Breathe,
    Clock {
        ms: u64,
    },
    Restart,
    /// Takes a copy of the log as it is.
    Copy,
    /// Puts one of the copies back, and starts again.
    Restore {
        which: usize,
    },
    /// Starts again after a crash that has taken the newest part of the log.
    LoseTail {
        whole: bool,
    },
    NewEpoch {
        back: u64,
        settles: bool,
    },
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
    copies: Vec<(Files, Life)>,
    watchers: Vec<Watcher>,
}

/// What is there when the log is opened again.
enum Found {
    /// What was there when it was closed.
    AllOfIt,
    Copy(Files, Life),
    WithoutTail(Files),
}

/// Takes the steps, then lets every subscriber take all there is.
pub(crate) async fn run(rig: impl Rig, window: Window, steps: Vec<Step>) {
    let clock = ManualClock::at(FIRST_MS);
    let store = rig.open(clock.clone()).await;
    let hub = seam::start(store.clone(), rig.data_bytes(), window.events()).await;
    let log = Log::new(&rig, store.bounds().epoch());
    let mut world = World { rig, window, clock, store, hub, log, copies: Vec::new(), watchers: Vec::new() };
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
            Step::Restart => self.restart(Found::AllOfIt).await,
            Step::Copy => {
                let copy = self.rig.copy().map(|files| (files, self.log.now().clone()));
                self.copies.extend(copy);
            }
            Step::Restore { which } => {
                if let Some((files, life)) = self.copies.get(which).cloned() {
                    self.restart(Found::Copy(files, life)).await;
                }
            }
            Step::LoseTail { whole } => {
                if let Some(mut files) = self.rig.copy() {
                    self.rig.lose_tail(&mut files, whole);
                    self.restart(Found::WithoutTail(files)).await;
                }
            }
            Step::NewEpoch { back, settles } => self.begin_epoch(back, settles).await,
        }
    }

    /// The store goes on in a new epoch, as many events before its head. The hub may hear of it now, or during the next
    /// steps.
    async fn begin_epoch(&mut self, back: u64, settles: bool) {
        let head = self.store.bounds().head;
        let after = Sequence(head.sequence.0.saturating_sub(back));
        let Some(begins) = self.rig.begin_epoch(&self.store, after).await else { return };
        assert!(begins.sequence >= after && begins.sequence <= head.sequence);
        assert_ne!(begins.epoch, head.epoch);
        self.log.begin_epoch(begins);
        while settles && !seam::is_settled(&self.hub) {
            tokio::task::yield_now().await;
        }
    }

    async fn publish(&mut self, topic: &str, count: usize, name: Option<usize>) {
        let filler = "x".repeat(self.rig.data_bytes());
        let first = self.log.now().head().0 + 1;
        let data: Vec<_> = (first..first + count as u64).map(|number| format!("{number}{filler}")).collect();
        let published = seam::publish(&self.hub, topic, data.clone(), name.map(|name| NAMES[name])).await;

        let epoch = self.store.bounds().epoch();
        if count > 0 {
            self.log.note_epoch(epoch);
        }
        let last_time = self.log.now().events.last().map_or(UnixMillis(0), |known| known.time);
        for (data, (cursor, id)) in data.into_iter().zip(published) {
            assert_eq!(cursor, Cursor::new(epoch, self.log.now().head().next()));
            assert_eq!(id, name.map_or_else(|| cursor.to_string(), |name| NAMES[name].to_owned()));
            let time = last_time.max(self.clock.now());
            self.log.push(Known { topic: Topic::parse(topic).unwrap(), cursor, id, data, time });
        }
        assert_eq!(self.log.now().head(), self.store.bounds().head.sequence);
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
            ends_between(before, after).map(|bounds| self.log.now().begin(&from, selectors, on_gap, bounds));
        // Events that the store let go may still be in a large window, or in any window while the feed has not run.
        let kept = own_place(&from, before).filter(|place| !is_sure && is_expired(*place, after));
        let held_in_memory = kept.map(|sequence| Began { after: before.head.at(sequence), gap: None });
        let legal: Vec<_> = answers.chain(held_in_memory).collect();
        assert!(
            legal.contains(&began.renamed(self.log.now())),
            "{from:?} of {before:?} began as {began:?}, the model says {legal:?}"
        );
        (subscription, began)
    }

    async fn resume(&mut self, who: usize, by_id: bool) {
        let Some(watcher) = self.watchers.get_mut(who) else { return };
        let subscription = watcher.subscription.take();
        assert!(subscription.is_none_or(|subscription| subscription.cursor() == watcher.place));
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
        let is_settled = seam::is_settled(&self.hub);
        let Some(watcher) = self.watchers.get_mut(who) else { return false };
        let Some(subscription) = &mut watcher.subscription else { return false };
        assert_eq!(subscription.cursor(), watcher.place, "a cursor moves when something is taken");
        let (before, place, now) = (self.store.bounds(), watcher.place, self.log.now());
        // What is held comes, and what has left is still in memory, or is declared.
        let missing = now.matching(&watcher.selectors, place.sequence, before.head.sequence).next();
        if now.cut_off(place) || missing.is_some() {
            let taken = seam::take(subscription).await;
            assert_ne!(taken, Taken::End, "the hub is not closing");
            self.check(who, before, is_settled, taken);
            return true;
        }
        // Nothing that was asked for comes. That other events have left may be declared.
        let taken = seam::take_within(subscription, Duration::from_millis(1)).await;
        let Some(taken) = taken else {
            let cursor = subscription.cursor();
            let moves_on = |life: &Life| life.moves_on(&watcher.selectors, place, cursor);
            assert!(lives(&self.log, is_settled).iter().any(moves_on), "from {place} to {cursor}");
            watcher.place = cursor;
            return false;
        };
        assert!(
            !is_settled || is_expired(place.sequence, self.store.bounds()),
            "nothing can come after {place}, but there is {taken:?}"
        );
        self.check(who, before, is_settled, taken);
        true
    }

    /// Compares what was taken. While the hub has not settled, it may also be what the log held in an earlier epoch.
    fn check(&mut self, who: usize, before: Bounds, is_settled: bool, taken: Taken) {
        let watcher = &mut self.watchers[who];
        let Watcher { selectors, place, on_gap, .. } = &*watcher;
        let lives = lives(&self.log, is_settled);
        let cursor = watcher.subscription.as_ref().unwrap().cursor();
        match &taken {
            Taken::Events(events) => {
                assert!(!events.is_empty(), "a delivery has at least one event");
                let delivers = |life: &Life| life.delivers(selectors, *place, cursor, events);
                assert!(lives.iter().any(delivers), "from {place} to {cursor} came {events:?}");
                watcher.last_id = events.last().map(|seen| seen.id.clone());
            }
            Taken::Gap(gap) => {
                let (after, now) = (self.store.bounds(), self.log.now());
                // It may have moved on over events it did not ask for before it came to those that are gone.
                let asked: Cursor = gap.requested.parse().unwrap();
                let moves_on = |life: &Life| asked == *place || life.moves_on(selectors, *place, asked);
                assert!(lives.iter().any(moves_on), "from {place} to {asked}");
                assert_eq!(cursor, gap.resumes_after);
                let is_legal = if gap.lost == Lost::OtherEpoch {
                    let floors = before.floor.sequence..=after.floor.sequence;
                    lives.iter().any(|life| {
                        // A hub that has not settled goes on with the newest that it has heard of.
                        let first = if is_settled { life.head() } else { Sequence::ZERO };
                        life.cuts_off(gap, *on_gap, floors.clone(), first..=life.head())
                    })
                } else {
                    let expired = ends_between(before, after).filter(|bounds| {
                        let is_known = now.holds(asked) || now.has_left(asked.epoch, bounds.floor.sequence);
                        is_known && is_expired(asked.sequence, *bounds)
                    });
                    let mut legal = expired.map(|bounds| resumption(*on_gap, bounds.floor.sequence, bounds));
                    gap.lost == Lost::Expired && legal.any(|place| place == now.renamed(gap.resumes_after))
                };
                assert!(is_legal, "{gap:?} between {before:?} and {after:?}");
            }
            Taken::End => {}
        }
        watcher.place = cursor;
    }

    /// Closes hub and store and opens them again; every subscription takes all there is, and ends.
    async fn restart(&mut self, found: Found) {
        self.hub.close().await.unwrap();
        for who in 0..self.watchers.len() {
            while let Some(mut subscription) = self.watchers[who].subscription.take() {
                let before = self.store.bounds();
                let taken = seam::take(&mut subscription).await;
                if taken == Taken::End {
                    // A feed that retention overtakes forgets where epochs ended, and the store is not asked when
                    // the hub closes: then a subscriber is told of what it misses when it comes back.
                    if self.watchers[who].place.epoch == self.log.now().epoch {
                        self.expect_nothing_left(who);
                    }
                    break;
                }
                self.watchers[who].subscription = Some(subscription);
                self.check(who, before, true, taken);
            }
        }
        self.begin_log(found).await;
    }

    fn expect_nothing_left(&self, who: usize) {
        let Watcher { selectors, place, .. } = &self.watchers[who];
        let now = self.log.now();
        assert!(now.holds(*place), "subscriber {who} was not told that {place} was cut off");
        let missing = now.matching(selectors, place.sequence, now.head()).next();
        assert_eq!(missing, None, "subscriber {who} at {place} was never given this");
    }

    /// Opens the store and starts a hub on it. The log is the one before, or a new one with another epoch.
    async fn begin_log(&mut self, found: Found) {
        let old = self.store.bounds();
        match &found {
            Found::AllOfIt => {}
            Found::Copy(files, _) | Found::WithoutTail(files) => self.rig.put_back(files),
        }
        self.store = self.rig.open(self.clock.clone()).await;
        self.hub = seam::start(self.store.clone(), self.rig.data_bytes(), self.window.events()).await;
        let new = self.store.bounds();
        if !self.rig.survives_restart() {
            assert_ne!(new.epoch(), old.epoch());
            assert_eq!(new.head.sequence, Sequence::ZERO);
            self.log = Log::new(&self.rig, new.epoch());
            return;
        }
        let is_known = self.log.lives().iter().any(|life| life.epoch == new.epoch());
        match found {
            Found::AllOfIt => {
                assert_eq!(new.head, old.head);
                assert!(new.earliest() >= old.earliest());
            }
            Found::Copy(_, life) => {
                assert_eq!(new.head, Cursor::new(life.epoch, life.head()));
                self.log.restore(life);
            }
            Found::WithoutTail(_) => self.log.lose_tail(new.head),
        }
        // A log that begins anew has begun its epoch.
        if is_known {
            self.log.reopen();
        }
    }

    async fn finish(mut self) {
        for who in 0..self.watchers.len() {
            if self.watchers[who].subscription.is_none() {
                self.resume(who, false).await;
            }
            while self.receive_one(who).await {}
            self.expect_nothing_left(who);
        }
        let watchers = std::mem::take(&mut self.watchers);
        assert_eq!(self.hub.roster().count(), watchers.len());
        drop(watchers);
        assert_eq!(self.hub.roster().count(), 0);
        self.hub.close().await.unwrap();
    }
}

/// The epochs that a hub may show: only the current one if it has heard of everything.
fn lives(log: &Log, is_settled: bool) -> &[Life] {
    let lives = log.lives();
    if is_settled { &lives[lives.len() - 1..] } else { lives }
}

/// All ends that the log may have had between two looks.
fn ends_between(before: Bounds, after: Bounds) -> impl Iterator<Item = Bounds> {
    let place = move |sequence| before.head.at(Sequence(sequence));
    let heads = move |floor| {
        let heads = before.head.sequence.0..=after.head.sequence.0;
        heads.map(move |head| Bounds { floor: place(floor), head: place(head) })
    };
    (before.floor.sequence.0..=after.floor.sequence.0).flat_map(heads)
}

/// The place that a position names, if it is one of this log.
pub(crate) fn own_place(from: &Position, bounds: Bounds) -> Option<Sequence> {
    let Position::Id(text) = from else { return None };
    let cursor = text.parse::<Cursor>().ok().filter(|cursor| cursor.epoch == bounds.epoch())?;
    Some(cursor.sequence)
}
