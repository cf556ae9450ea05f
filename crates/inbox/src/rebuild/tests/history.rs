//! Random histories: what a log says of some users, with state records of a projection that has seen all of it.

use tidings_core::{Draft, DraftParts, Event, UnixMillis};
use tidings_sse::EventType;

use crate::item::id;
use crate::notification::Notification;
use crate::past::Nothing;
use crate::projection::Projection;
use crate::record::{Followers, Keep, Mark, Notify, RECORD_TYPE, Record, Which};
use crate::sqlite::{Database, Location, state};
use crate::user::User;

/// Among them such as are written otherwise in a topic, and two that are written alike.
const USERS: [&str; 8] = ["ann", "bob", "a/b", "100%", "ü*", "%2F", "/", "zoe\u{1}x"];

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize].clone()
    }

    fn user(&mut self) -> User {
        User::held(self.one_of(&USERS))
    }
}

/// A history of about this many records.
pub(super) fn history(seed: u64, records: u64) -> Vec<Event> {
    let mut history = History::new(seed);
    while history.sequence < records {
        history.go_on();
    }
    history.events
}

struct History {
    random: Random,
    events: Vec<Event>,
    /// It has seen all of it.
    database: Database,
    projection: Projection,
    /// State records that are made and not written yet.
    states: Vec<Record>,
    epoch: u64,
    sequence: u64,
    time: u64,
}

impl History {
    fn new(seed: u64) -> Self {
        let database = Database::at(Location::Memory);
        let mut projection = Projection::open(&database).unwrap();
        projection.begin(id(1, 0)).unwrap();
        let random = Random(seed);
        Self {
            random,
            events: Vec::new(),
            database,
            projection,
            states: Vec::new(),
            epoch: 1,
            sequence: 0,
            time: 1_000,
        }
    }

    fn go_on(&mut self) {
        let Self { random, .. } = self;
        // The parts of a state stand next to each other.
        if !self.states.is_empty() && random.below(5) == 0 {
            for record in std::mem::take(&mut self.states) {
                self.write(&record);
            }
            return;
        }
        let user = random.user();
        if random.below(60) == 0 {
            self.make_state(user);
            return;
        }
        let record = self.record(user);
        self.write(&record);
    }

    fn record(&mut self, user: User) -> Record {
        let Self { random, sequence, time, .. } = self;
        let recent = |random: &mut Random| sequence.saturating_sub(random.below(60));
        match random.below(32) {
            0..=12 => Record::Notify(notify(random, *time, user)),
            13..=14 => {
                let mut to: Vec<_> =
                    USERS.map(User::held).into_iter().filter(|_| random.below(3) > 0).collect();
                to.sort();
                Record::NotifyMany(notify(random, *time, to))
            }
            15..=16 => {
                let topic = random.one_of(&["orders/1", "orders/2/x", "news", "a/b"]);
                let followers = match random.below(3) {
                    0 => Followers::Of(topic.into()),
                    of => {
                        let part = u16::try_from(random.below(2 * of)).unwrap();
                        Followers::Part { topic: topic.into(), part, of: u16::try_from(2 * of).unwrap() }
                    }
                };
                Record::NotifyTopic(notify(random, *time, followers))
            }
            17..=22 => {
                let mark = random.one_of(&[Mark::Read, Mark::Unread, Mark::Seen, Mark::Archived]);
                let which = match random.below(6) {
                    0 => Which::All,
                    1 => Which::Through(recent(random)),
                    _ => Which::Ids((0..random.below(12)).map(|_| recent(random)).collect()),
                };
                Record::Mark { user, mark, which }
            }
            23..=24 => Record::Delete { user, ids: (0..random.below(9)).map(|_| recent(random)).collect() },
            25 if random.below(4) == 0 => Record::Erase { user },
            25..=26 => Record::Mute {
                user,
                kind: random.one_of(&["sale", "news", "other"]).into(),
                muted: random.below(3) == 0,
            },
            27..=28 => Record::Follow {
                user,
                selector: random.one_of(&["orders/*", "orders/**", "news", "orders/1", "**/b"]).into(),
                follows: random.below(3) > 0,
            },
            29 => {
                let users = USERS.map(User::held).into_iter().filter(|_| random.below(2) > 0).collect();
                Record::Expire { through: *time, users: (random.below(2) > 0).then_some(users) }
            }
            _ => Record::Prune {
                bucket: crate::record::bucket_of(&user),
                read_before: time.saturating_sub(random.below(3_000)),
                unread_before: time.saturating_sub(random.below(9_000)),
            },
        }
    }

    fn make_state(&mut self, user: User) {
        let reader = self.database.reader().unwrap();
        let records = state::records(&reader, &[user], 0).unwrap().unwrap();
        self.states.extend(records.into_iter().flatten());
    }

    fn write(&mut self, record: &Record) {
        self.sequence += 1;
        self.time += self.random.below(30);
        if self.random.below(400) == 0 {
            self.epoch += 7;
        }
        let cursor = id(self.epoch, self.sequence);
        let event_type = Some(EventType::new(RECORD_TYPE).unwrap());
        let parts = DraftParts { event_type, ..DraftParts::new(record.topic(), record.data()) };
        let event = Event { cursor, time: UnixMillis(self.time), draft: Draft::restore(parts) };
        self.events.push(event.clone());
        self.projection.apply(&[event], cursor, &mut Nothing).unwrap();
    }
}

fn notify<To>(random: &mut Random, time: u64, to: To) -> Notify<To> {
    let sometimes = |random: &mut Random, one_in: u64| random.below(one_in) == 0;
    let says = Notification {
        title: format!("t{}", random.below(100)).into(),
        // Some are long, so that states have several parts.
        body: sometimes(random, 4).then(|| "b".repeat(random.below(8_000) as usize).into()),
        kind: sometimes(random, 2).then(|| random.one_of(&["sale", "news"]).into()),
        dedupe: sometimes(random, 3).then(|| format!("d{}", random.below(6)).into()),
        expires: sometimes(random, 4).then(|| time + 1 + random.below(2_000)),
        data: sometimes(random, 8)
            .then(|| serde_json::value::RawValue::from_string("{\"a\": [1]}".into()).unwrap()),
        ..Notification::default()
    };
    let keep = random.one_of(&[
        Keep { items: 40, unread: 40 },
        Keep { items: 8, unread: 12 },
        Keep { items: 20, unread: 5 },
        Keep { items: 1_000, unread: 2_000 },
    ]);
    Notify { to, says: says.into(), keep }
}
