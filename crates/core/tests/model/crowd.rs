//! Publishers and subscribers as tasks on several threads. Each subscriber notes what it receives; when all is over,
//! the notes are compared with the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidings_core::contract::ManualClock;
use tidings_core::{Bounds, Clock, Cursor, Hub, Lost, OnGap, Position, Selectors, Sequence, Store, Topic};
use tokio::task::yield_now;

use super::answer::{FIRST_MS, Known, Log, is_expired, position, resumption};
use super::seam::{self, Began, Seen, Taken, Told};
use super::world::{ends_between, own_place};
use super::{Rig, SELECTORS, TOPICS, Wish};

/// About how many events the window holds. Few, so that events leave it while subscribers read them.
const WINDOW_EVENTS: usize = 3;

/// Topic and number of drafts of each append of a publisher.
type Appends = Vec<(usize, usize)>;

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) publishers: Vec<Appends>,
    /// Selectors, whether it goes on with the newest after a gap, where it begins, what it does then.
    pub(crate) subscribers: Vec<(usize, bool, Wish, Vec<Act>)>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// Takes up to so many deliveries.
    Take(usize),
    /// Leaves, and comes back where it was.
    Resume { by_id: bool },
    /// Leaves, and begins elsewhere.
    Join(Wish),
    /// Lets others run.
    Dawdle(usize),
}

/// One thing that happened to a subscriber, and the ends of the log before and after.
enum Note {
    Began { from: Position, began: Began, before: Bounds, after: Bounds },
    Saw(Vec<Seen>),
    Heard { gap: Told, cursor: Cursor, before: Bounds, after: Bounds },
    Left { cursor: Cursor },
    Ended,
}

pub(crate) async fn run(rig: impl Rig, plan: Plan) {
    let clock: Arc<dyn Clock> = ManualClock::at(FIRST_MS);
    let time = clock.now();
    let store = rig.open(clock).await;
    let hub = seam::start(store.clone(), rig.data_bytes(), WINDOW_EVENTS).await;

    let filler = "x".repeat(rig.data_bytes());
    let publishers: Vec<_> = plan
        .publishers
        .into_iter()
        .map(|appends| tokio::spawn(publish(hub.clone(), appends, filler.clone())))
        .collect();
    let mut subscribers = Vec::new();
    for (selectors, latest, wish, acts) in plan.subscribers {
        let on_gap = if latest { OnGap::Latest } else { OnGap::Earliest };
        let subscriber = Subscriber {
            hub: hub.clone(),
            store: store.clone(),
            selectors: seam::selectors(SELECTORS[selectors]),
            on_gap,
            notes: Vec::new(),
        };
        subscribers.push(tokio::spawn(subscriber.live(wish, acts)));
    }
    let mut published = BTreeMap::new();
    for publisher in publishers {
        published.extend(publisher.await.unwrap());
    }
    hub.close().await.unwrap();

    let mut log = Log::new(&rig);
    for (sequence, (topic, id, data)) in published {
        assert_eq!(sequence, log.head().next(), "places have no hole");
        log.events.push(Known { topic: Topic::parse(topic).unwrap(), id, data, time });
    }
    for subscriber in subscribers {
        let subscriber = subscriber.await.unwrap();
        Oracle { log: &log, subscriber: &subscriber }.check();
    }
    assert_eq!(hub.subscriptions(), 0);
}

type Published = BTreeMap<Sequence, (&'static str, String, String)>;

async fn publish(hub: Hub, appends: Appends, filler: String) -> Published {
    let mut published = BTreeMap::new();
    for (number, (topic, count)) in appends.into_iter().enumerate() {
        let data: Vec<_> = (0..count).map(|n| format!("{number}.{n}{filler}")).collect();
        let placed = seam::publish(&hub, TOPICS[topic], data.clone(), None).await;
        let first = placed[0].0.sequence;
        for (n, ((cursor, id), data)) in placed.into_iter().zip(data).enumerate() {
            assert_eq!(cursor.sequence.0, first.0 + n as u64, "drafts of one publish are next to each other");
            published.insert(cursor.sequence, (TOPICS[topic], id, data));
        }
        yield_now().await;
    }
    published
}

struct Subscriber {
    hub: Hub,
    store: Arc<dyn Store>,
    selectors: Selectors,
    on_gap: OnGap,
    notes: Vec<Note>,
}

impl Subscriber {
    async fn live(mut self, wish: Wish, acts: Vec<Act>) -> Self {
        let mut subscription = self.begin(position(wish, self.store.bounds())).await;
        for act in acts {
            match act {
                Act::Take(deliveries) => {
                    for _ in 0..deliveries {
                        if !self.take(&mut subscription).await {
                            return self;
                        }
                    }
                }
                Act::Resume { by_id } => {
                    let cursor = subscription.cursor();
                    self.notes.push(Note::Left { cursor });
                    let last = self.last_id().filter(|_| by_id);
                    subscription = self.begin(Position::Id(last.unwrap_or_else(|| cursor.to_string()))).await;
                }
                Act::Join(wish) => {
                    self.notes.push(Note::Left { cursor: subscription.cursor() });
                    subscription = self.begin(position(wish, self.store.bounds())).await;
                }
                Act::Dawdle(turns) => {
                    for _ in 0..turns {
                        yield_now().await;
                    }
                }
            }
        }
        while self.take(&mut subscription).await {}
        self
    }

    async fn begin(&mut self, from: Position) -> tidings_core::Subscription {
        let before = self.store.bounds();
        let (subscription, began) =
            seam::subscribe(&self.hub, &self.selectors, from.clone(), self.on_gap).await;
        self.notes.push(Note::Began { from, began, before, after: self.store.bounds() });
        subscription
    }

    /// Takes what comes next; false at the end.
    async fn take(&mut self, subscription: &mut tidings_core::Subscription) -> bool {
        let (before, cursor) = (self.store.bounds(), subscription.cursor());
        let taken = seam::take(subscription).await;
        let note = match taken {
            Taken::Events(events) => Note::Saw(events),
            Taken::Gap(gap) => Note::Heard { gap, cursor, before, after: self.store.bounds() },
            Taken::End => Note::Ended,
        };
        let goes_on = !matches!(note, Note::Ended);
        self.notes.push(note);
        goes_on
    }

    /// The cursor of the last event of this subscription.
    fn last_id(&self) -> Option<String> {
        let epoch = self.store.bounds().epoch;
        self.notes.iter().rev().find_map(|note| match note {
            Note::Saw(events) => {
                events.last().map(|seen| Cursor { epoch, sequence: seen.sequence }.to_string())
            }
            Note::Began { .. } | Note::Heard { .. } | Note::Left { .. } | Note::Ended => None,
        })
    }
}

/// Reads the notes of one subscriber in the light of the whole log.
struct Oracle<'a> {
    log: &'a Log,
    subscriber: &'a Subscriber,
}

impl Oracle<'_> {
    fn check(&self) {
        let mut place = Sequence::ZERO;
        for note in &self.subscriber.notes {
            match note {
                Note::Began { from, began, before, after } => {
                    self.check_begin(from, began, *before, *after);
                    place = began.after.sequence;
                }
                Note::Saw(events) => place = self.check_events(place, events),
                Note::Heard { gap, cursor, before, after } => {
                    self.nothing_between(place, cursor.sequence, "a cursor before a gap");
                    self.check_gap(gap, *before, *after);
                    place = gap.resumes_after.sequence;
                }
                Note::Left { cursor } => self.nothing_between(place, cursor.sequence, "a cursor"),
                Note::Ended => self.nothing_between(place, self.log.head(), "the end"),
            }
        }
        assert!(
            matches!(self.subscriber.notes.last(), Some(Note::Ended)),
            "every subscriber is told of the end"
        );
    }

    fn check_begin(&self, from: &Position, began: &Began, before: Bounds, after: Bounds) {
        let Subscriber { selectors, on_gap, .. } = self.subscriber;
        let mut ends = ends_between(before, after);
        let legal = ends.any(|bounds| self.log.begin(from, selectors, *on_gap, bounds) == *began);
        // Events that the store let go may still be in memory.
        let expired = own_place(from, before).filter(|place| is_expired(*place, after));
        let in_memory = began.gap.is_none() && expired == Some(began.after.sequence);
        // The reason and the place to go on after are read one after the other.
        let latest = began.gap.as_ref().is_some_and(|gap| {
            let heads = before.head..=after.head;
            let reason = ends_between(before, after).any(|bounds| {
                let told = self.log.begin(from, selectors, *on_gap, bounds).gap;
                told.is_some_and(|told| (told.lost, &told.requested) == (gap.lost, &gap.requested))
            });
            *on_gap == OnGap::Latest && reason && heads.contains(&gap.resumes_after.sequence)
        });
        assert!(legal || in_memory || latest, "{from:?} began as {began:?} between {before:?} and {after:?}");
    }

    fn check_events(&self, place: Sequence, events: &[Seen]) -> Sequence {
        let expected =
            self.log.matching(&self.subscriber.selectors, place, self.log.head()).take(events.len());
        let expected: Vec<_> = expected.map(|at| Seen { sequence: at, wire: self.log.wire(at) }).collect();
        assert_eq!(events, expected, "after {place}");
        expected.last().expect("a delivery has at least one event").sequence
    }

    /// What a gap declares lost was lost, and the stream goes on where the log began, or ended, at that moment.
    fn check_gap(&self, gap: &Told, before: Bounds, after: Bounds) {
        assert_eq!(gap.lost, Lost::Expired);
        let asked: Cursor = gap.requested.parse().unwrap();
        assert!(is_expired(asked.sequence, after), "a gap at {asked}, and all was held: {after:?}");
        let on_gap = self.subscriber.on_gap;
        let legal = ends_between(before, after).any(|bounds| resumption(on_gap, bounds) == gap.resumes_after);
        assert!(legal, "{gap:?} between {before:?} and {after:?}");
    }

    fn nothing_between(&self, place: Sequence, to: Sequence, what: &str) {
        let missing = self.log.matching(&self.subscriber.selectors, place, to).next();
        assert_eq!(missing, None, "{what} at {to} is ahead of what was received, {place}");
    }
}
