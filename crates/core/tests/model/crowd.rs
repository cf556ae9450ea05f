//! Publishers and subscribers as tasks on several threads. Each subscriber notes what it receives; when all is over,
//! the notes are compared with the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidings_core::contract::ManualClock;
use tidings_core::{
    Bounds, Clock, Cursor, Epoch, Hub, Lost, OnGap, Position, Selectors, Sequence, Store, Topic,
};
use tokio::task::yield_now;

use super::answer::{FIRST_MS, Known, Life, Log, is_expired, position, resumption};
use super::seam::{self, Began, Seen, Taken, Told};
use super::world::own_place;
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
    /// New epochs: how many turns later the next one begins, and how many events before the head.
    pub(crate) epochs: Vec<(usize, u64)>,
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
    Saw { events: Vec<Seen>, cursor: Cursor },
    Heard { gap: Told, cursor: Cursor, before: Bounds, after: Bounds },
    Left { cursor: Cursor },
    Ended,
}

pub(crate) async fn run(rig: impl Rig, plan: Plan) {
    let clock: Arc<dyn Clock> = ManualClock::at(FIRST_MS);
    let time = clock.now();
    let store = rig.open(clock).await;
    let epoch = store.bounds().epoch();
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
    let begun = begin_epochs(&rig, &store, plan.epochs).await;
    let mut published = BTreeMap::new();
    for publisher in publishers {
        published.extend(publisher.await.unwrap());
    }
    hub.close().await.unwrap();

    let mut log = Log::new(&rig, epoch);
    let mut begun = begun.into_iter().peekable();
    for ((epoch, sequence), (topic, id, data)) in published {
        while let Some(begins) = begun.next_if(|begins| begins.epoch <= epoch) {
            log.begin_epoch(begins);
        }
        assert_eq!(sequence, log.now().head().next(), "places have no hole");
        let cursor = Cursor::new(epoch, sequence);
        log.push(Known { topic: Topic::parse(topic).unwrap(), cursor, id, data, time });
    }
    begun.for_each(|begins| log.begin_epoch(begins));
    assert_eq!(store.bounds().head, Cursor::new(log.now().epoch, log.now().head()));
    for subscriber in subscribers {
        let subscriber = subscriber.await.unwrap();
        Oracle { log: &log, subscriber: &subscriber }.check();
    }
    assert_eq!(hub.roster().count(), 0);
}

/// Begins epochs while others publish and read. Each has a larger number than the one before.
async fn begin_epochs(rig: &impl Rig, store: &Arc<dyn Store>, epochs: Vec<(usize, u64)>) -> Vec<Cursor> {
    let mut begun = Vec::new();
    for (turns, back) in epochs {
        for _ in 0..turns {
            yield_now().await;
        }
        let after = store.bounds().head.sequence.0.saturating_sub(back);
        begun.extend(rig.begin_epoch(store, Sequence(after)).await);
    }
    begun
}

/// By place. Two events may have had the same sequence, in two epochs.
type Published = BTreeMap<(Epoch, Sequence), (&'static str, String, String)>;

async fn publish(hub: Hub, appends: Appends, filler: String) -> Published {
    let mut published = BTreeMap::new();
    for (number, (topic, count)) in appends.into_iter().enumerate() {
        let data: Vec<_> = (0..count).map(|n| format!("{number}.{n}{filler}")).collect();
        let placed = seam::publish(&hub, TOPICS[topic], data.clone(), None).await;
        let first = placed[0].0;
        for (n, ((cursor, id), data)) in placed.into_iter().zip(data).enumerate() {
            let next = first.at(Sequence(first.sequence.0 + n as u64));
            assert_eq!(cursor, next, "drafts of one publish are next to each other");
            published.insert((cursor.epoch, cursor.sequence), (TOPICS[topic], id, data));
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
            Taken::Events(events) => Note::Saw { events, cursor: subscription.cursor() },
            Taken::Gap(gap) => Note::Heard { gap, cursor, before, after: self.store.bounds() },
            Taken::End => Note::Ended,
        };
        let goes_on = !matches!(note, Note::Ended);
        self.notes.push(note);
        goes_on
    }

    /// The cursor of the last event of this subscription.
    fn last_id(&self) -> Option<String> {
        self.notes.iter().rev().find_map(|note| match note {
            Note::Saw { events, .. } => events.last().map(|seen| seen.cursor.to_string()),
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
        let mut place = Cursor::new(self.log.lives()[0].epoch, Sequence::ZERO);
        for note in &self.subscriber.notes {
            match note {
                Note::Began { from, began, before, after } => {
                    self.check_begin(from, began, *before, *after);
                    place = began.after;
                }
                Note::Saw { events, cursor } => {
                    assert!(!events.is_empty(), "a delivery has at least one event");
                    self.expect(place, *cursor, events);
                    place = *cursor;
                }
                Note::Heard { gap, cursor, before, after } => {
                    assert_eq!(*cursor, place, "a cursor moves when something is taken");
                    self.check_gap(place, gap, *before, *after);
                    place = gap.resumes_after;
                }
                Note::Left { cursor } => assert_eq!(*cursor, place, "a cursor moves when something is taken"),
                // See `World::restart`: a hub that closes does not ask the store about epochs that it has forgotten.
                Note::Ended if place.epoch != self.log.now().epoch => {}
                Note::Ended => {
                    let now = self.log.now();
                    assert!(now.holds(place), "the end came before the gap at {place}");
                    self.expect(place, Cursor::new(now.epoch, now.head()), &[]);
                }
            }
        }
        assert!(
            matches!(self.subscriber.notes.last(), Some(Note::Ended)),
            "every subscriber is told of the end"
        );
    }

    /// In one of the epochs of the log, these events are all that was asked for between two places.
    fn expect(&self, from: Cursor, to: Cursor, events: &[Seen]) {
        let selectors = &self.subscriber.selectors;
        let delivers = |life: &Life| life.delivers(selectors, from, to, events);
        assert!(
            from == to && events.is_empty() || self.log.lives().iter().any(delivers),
            "from {from} to {to} came {events:?}"
        );
    }

    fn check_begin(&self, from: &Position, began: &Began, before: Bounds, after: Bounds) {
        let Subscriber { selectors, on_gap, .. } = self.subscriber;
        let legal = self
            .ends(before, after)
            .any(|(life, bounds)| life.begin(from, selectors, *on_gap, bounds) == began.renamed(life));
        // Events that the store let go may still be in memory.
        let expired = own_place(from, before).filter(|place| is_expired(*place, after));
        let in_memory = began.gap.is_none() && expired == Some(began.after.sequence);
        // The reason and the place to go on after are read one after the other.
        let latest = began.gap.as_ref().is_some_and(|gap| {
            let reason = self.ends(before, after).any(|(life, bounds)| {
                let told = life.begin(from, selectors, *on_gap, bounds).gap;
                told.is_some_and(|told| (told.lost, &told.requested) == (gap.lost, &gap.requested))
            });
            let head = self.ends(before, after).any(|(_, bounds)| bounds.head == gap.resumes_after);
            *on_gap == OnGap::Latest && reason && head
        });
        assert!(legal || in_memory || latest, "{from:?} began as {began:?} between {before:?} and {after:?}");
    }

    /// What a gap declares lost was lost, and the stream goes on where the log began, or ended, at that moment, or
    /// where it was cut off.
    fn check_gap(&self, place: Cursor, gap: &Told, before: Bounds, after: Bounds) {
        let asked: Cursor = gap.requested.parse().unwrap();
        self.expect(place, asked, &[]);
        let on_gap = self.subscriber.on_gap;
        let is_legal = if gap.lost == Lost::OtherEpoch {
            let floors = before.floor.sequence..=after.floor.sequence;
            self.log.lives().iter().any(|life| {
                // A hub that has not settled goes on with the newest that it has heard of.
                life.cuts_off(gap, on_gap, floors.clone(), Sequence::ZERO..=life.head())
            })
        } else {
            let is_gone = |life: &Life, bounds: Bounds| {
                let is_known = life.holds(asked) || life.has_left(asked.epoch, bounds.floor.sequence);
                is_known && is_expired(asked.sequence, bounds)
            };
            let legal = self.ends(before, after).any(|(life, bounds)| {
                let resumes_after = resumption(on_gap, bounds.floor.sequence, bounds);
                is_gone(life, bounds) && resumes_after == life.renamed(gap.resumes_after)
            });
            // The reason and the place to go on after are read one after the other.
            let expired = self.ends(before, after).any(|(life, bounds)| is_gone(life, bounds));
            let head = self.ends(before, after).any(|(_, bounds)| bounds.head == gap.resumes_after);
            gap.lost == Lost::Expired && (legal || on_gap == OnGap::Latest && expired && head)
        };
        assert!(is_legal, "{gap:?} between {before:?} and {after:?}");
    }

    /// All ends that the log may have had between two looks, each with the epoch that it was in.
    fn ends(&self, before: Bounds, after: Bounds) -> impl Iterator<Item = (&Life, Bounds)> {
        let lives = self.log.lives();
        let at = |epoch| lives.iter().position(|life| life.epoch == epoch).expect("an epoch of the log");
        let (first, last) = (at(before.epoch()), at(after.epoch()));
        (first..=last).flat_map(move |number| {
            let life = &lives[number];
            let begins = lives[..number].last().map_or(Sequence::ZERO, |old| {
                life.last_true(old.epoch).expect("each epoch knows the one before")
            });
            let from = if number == first { before.head.sequence } else { begins };
            let to = if number == last { after.head.sequence } else { life.head() };
            let floors = before.floor.sequence.0..=after.floor.sequence.0;
            floors.flat_map(move |floor| {
                let place = move |sequence| Cursor::new(life.epoch, Sequence(sequence));
                let heads = from.0..=to.0;
                heads.map(move |head| (life, Bounds { floor: place(floor), head: place(head) }))
            })
        })
    }
}
