//! What happens in a play: writes, time, restarts, and clients that come and go.

use proptest::prelude::*;
use serde_json::{Value, json};

pub(crate) const USERS: [&str; 4] = ["alice", "bob", "o/ü%*", "carol"];
pub(crate) const KINDS: [&str; 3] = ["order", "chat", "x.y-z_1"];
pub(crate) const TOPICS: [&str; 4] = ["orders", "orders/42", "orders/42/paid", "rooms/7"];
pub(crate) const SELECTORS: [&str; 7] =
    ["orders/42", "orders/*", "orders/**", "**", "*/*/paid", "rooms/7", "**/42/**"];
pub(crate) const KEYS: [&str; 3] = ["a", "b", "ä key"];

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write(Op),
    /// At the same time.
    Crowd(Vec<Op>),
    /// Time goes by, in seconds.
    Pass(u64),
    Restart(Restart),
    /// A copy of the database is put aside.
    Copy,
    /// Another projection of the same log.
    Second,
    /// A client comes, or comes back to where it was.
    Connect(usize),
    /// Other events fill the log, so that retention takes older ones.
    Fill(usize),
    /// It goes, and keeps what it has.
    Leave(usize),
    /// It stays, and takes nothing until it is awake again.
    Doze(usize),
    Wake(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Restart {
    /// The hub too, with its log.
    pub(crate) hub: bool,
    pub(crate) database: Database,
    /// Writes that nobody waits for are under way when it goes down.
    pub(crate) under_way: Vec<Op>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Database {
    Kept,
    Lost,
    Older,
    Garbage,
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Notify(usize, Note),
    Many(Vec<usize>, Note),
    Topic(usize, Note),
    Mark(usize, usize, Pick),
    Delete(usize, Target),
    Erase(usize),
    Mute(usize, usize, bool),
    Follow(usize, usize, bool),
}

#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) kind: Option<usize>,
    pub(crate) dedupe: Option<usize>,
    pub(crate) expires_in: Option<u64>,
    pub(crate) has_more: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Pick {
    All,
    Through(Target),
    Ids(Vec<Target>),
}

/// An item by its id.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// One that is there.
    Held(usize),
    /// One that is gone.
    Gone(usize),
    /// One of another user.
    Foreign(usize),
    /// Any number.
    Any(u64),
}

pub(crate) const MARKS: [&str; 4] = ["read", "unread", "seen", "archived"];

impl Note {
    /// As the log has it.
    pub(crate) fn says(&self, title: &str, now: u64) -> Value {
        let mut says = json!({ "title": title });
        if let Some(kind) = self.kind {
            says["kind"] = KINDS[kind].into();
        }
        if let Some(dedupe) = self.dedupe {
            says["dedupe"] = KEYS[dedupe].into();
        }
        if let Some(seconds) = self.expires_in {
            says["expires"] = (now + seconds * 1_000).into();
        }
        if self.has_more {
            says["body"] = "<b>text</b>\n".into();
            says["link"] = "/a?b=c".into();
            says["data"] = json!({ "a": [1, null, "ü"], "b": {} });
        }
        says
    }
}

fn user() -> impl Strategy<Value = usize> {
    prop_oneof![6 => Just(0), 3 => Just(1), 1 => Just(2), 1 => Just(3)]
}

fn note() -> impl Strategy<Value = Note> {
    let seconds = prop_oneof![1_u64..100, 1_000_u64..20_000];
    (
        prop::option::of(0..KINDS.len()),
        prop::option::weighted(0.3, 0..KEYS.len()),
        prop::option::weighted(0.3, seconds),
        any::<bool>(),
    )
        .prop_map(|(kind, dedupe, expires_in, has_more)| Note { kind, dedupe, expires_in, has_more })
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        6 => (0_usize..10).prop_map(Target::Held),
        2 => (0_usize..30).prop_map(Target::Gone),
        1 => (0_usize..10).prop_map(Target::Foreign),
        1 => prop_oneof![Just(0), Just(u64::MAX), Just(1 << 63), 0_u64..100].prop_map(Target::Any),
    ]
}

fn pick() -> impl Strategy<Value = Pick> {
    prop_oneof![
        2 => Just(Pick::All),
        2 => target().prop_map(Pick::Through),
        4 => prop::collection::vec(target(), 0..5).prop_map(Pick::Ids),
    ]
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => (user(), note()).prop_map(|(user, note)| Op::Notify(user, note)),
        3 => (prop::collection::vec(0..USERS.len(), 0..6), note()).prop_map(|(users, note)| Op::Many(users, note)),
        3 => (0..TOPICS.len(), note()).prop_map(|(topic, note)| Op::Topic(topic, note)),
        8 => (user(), 0..MARKS.len(), pick()).prop_map(|(user, mark, pick)| Op::Mark(user, mark, pick)),
        3 => (user(), target()).prop_map(|(user, target)| Op::Delete(user, target)),
        2 => user().prop_map(Op::Erase),
        2 => (user(), 0..KINDS.len(), any::<bool>()).prop_map(|(user, kind, muted)| Op::Mute(user, kind, muted)),
        3 => (user(), 0..SELECTORS.len(), prop::bool::weighted(0.7))
            .prop_map(|(user, selector, follows)| Op::Follow(user, selector, follows)),
    ]
}

fn restart() -> impl Strategy<Value = Restart> {
    let database = prop_oneof![
        3 => Just(Database::Kept),
        2 => Just(Database::Lost),
        2 => Just(Database::Older),
        1 => Just(Database::Garbage),
    ];
    (any::<bool>(), database, prop::collection::vec(op(), 0..4))
        .prop_map(|(hub, database, under_way)| Restart { hub, database, under_way })
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        40 => op().prop_map(Step::Write),
        8 => prop_oneof![4 => prop::collection::vec(op(), 2..8), 1 => prop::collection::vec(op(), 30..40)].prop_map(Step::Crowd),
        4 => prop_oneof![1_u64..60, 60_u64..4_000, Just(90_000_u64)].prop_map(Step::Pass),
        3 => restart().prop_map(Step::Restart),
        2 => Just(Step::Copy),
        1 => Just(Step::Second),
        5 => (0_usize..6).prop_map(Step::Connect),
        3 => (0_usize..6).prop_map(Step::Leave),
        4 => (1_usize..40).prop_map(Step::Fill),
        3 => (0_usize..6).prop_map(Step::Doze),
        2 => (0_usize..6).prop_map(Step::Wake),
    ]
}
