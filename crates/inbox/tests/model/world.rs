//! A hub with its log, an inbox with its database, a clock, clients, and the model that all of it is compared with.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tidings_core::{
    Clock, Cursor, DraftFields, Event, Hub, Limits, Query, Reading, RetentionHold, Selector, Selectors,
    Sequence, Start, Topic, UnixMillis,
};
use tidings_inbox::{
    Inbox, InboxSettings, Item, ListRequest, Listed, Location, Mark, Notification, User, Which,
};
use tidings_store::{Durability, FileStore, FileStoreConfig, Retention};

use crate::client::Client;
use crate::naive::{self, Answer, Model};
use crate::play::{Database, KINDS, MARKS, Op, Pick, Restart, SELECTORS, Step, TOPICS, Target, USERS};

pub(crate) const ITEMS_MAX: u64 = 5;
pub(crate) const UNREAD_MAX: u64 = 7;
/// Age at which read items leave, and unread ones.
const AGES: [u64; 2] = [3_600, 86_400];
const BEGIN: u64 = 1_700_000_000_000;

pub(crate) struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }

    /// By which the log lets events go that are too old.
    fn uptime(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst) - BEGIN)
    }
}

impl TestClock {
    /// Time passes for clocks and for what sleeps. In this order, since a clock that is ahead of time was set.
    async fn pass(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
        tokio::time::advance(time).await;
    }
}

pub(crate) struct World {
    dir: TempDir,
    clock: Arc<TestClock>,
    retention: Retention,
    /// What the store asks, and what the inbox answers. Between them stands the model, which reads what leaves.
    of_store: Arc<RetentionHold>,
    of_inbox: Arc<RetentionHold>,
    pub(crate) hub: Hub,
    inbox: Option<Inbox>,
    pub(crate) model: Model,
    /// The model goes up to here.
    folded: Cursor,
    last_record: u64,
    clients: Vec<Client>,
    titles: u64,
    turn: usize,
}

/// What a writer heard.
#[derive(Debug, Clone, PartialEq)]
enum Heard {
    Notified { id: String, repeated: bool, muted: bool },
    Number(u64),
    Changed { changed: u64, count: u64, version: u64 },
}

impl World {
    pub(crate) async fn begin(retention: Retention) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock(AtomicU64::new(BEGIN)));
        let (of_store, of_inbox) = (Arc::<RetentionHold>::default(), Arc::<RetentionHold>::default());
        let hub = open_hub(&dir, &clock, retention, of_store.clone()).await;
        let clients = (0..6).map(|number| Client::new(user(USERS[number % 2]))).collect();
        let folded = hub.bounds().floor;
        let mut world = Self {
            dir,
            clock,
            retention,
            of_store,
            of_inbox,
            hub,
            inbox: None,
            model: Model::default(),
            folded,
            last_record: 0,
            clients,
            titles: 0,
            turn: 0,
        };
        world.open_inbox().await;
        world
    }

    pub(crate) async fn play(&mut self, steps: Vec<Step>) {
        for step in steps {
            self.step(step).await;
            self.compare().await;
            self.release().await;
        }
        self.second().await;
        self.recount();
        self.close_inbox().await;
        self.hub.close().await.unwrap();
    }

    async fn step(&mut self, step: Step) {
        self.turn += 1;
        match step {
            Step::Write(op) => self.write(vec![op]).await,
            Step::Crowd(ops) => self.write(ops).await,
            Step::Pass(seconds) => self.pass(Duration::from_secs(seconds)).await,
            Step::Restart(restart) => self.restart(restart).await,
            Step::Copy => self.copy(),
            Step::Second => self.second().await,
            Step::Connect(number) => {
                let inbox = self.inbox().clone();
                self.clients[number].connect(&inbox).await;
            }
            Step::Fill(events) => self.fill(events).await,
            Step::Leave(number) => self.clients[number].leave(),
            Step::Doze(number) => self.clients[number].is_asleep = true,
            Step::Wake(number) => self.clients[number].is_asleep = false,
        }
    }

    fn inbox(&self) -> &Inbox {
        self.inbox.as_ref().unwrap()
    }

    fn database(&self) -> PathBuf {
        self.dir.path().join("inbox.db")
    }

    async fn open_inbox(&mut self) {
        let hold = Some(self.of_inbox.clone());
        let inbox = start(&self.hub, Location::File(self.database()), &self.clock, hold).await;
        self.inbox = Some(inbox);
    }

    /// Returns when nobody has the database open any more.
    async fn close_inbox(&mut self) {
        self.clients.iter_mut().for_each(Client::leave);
        self.inbox = None;
        let path = self.database();
        let is_open = || {
            let files = fs::read_dir("/proc/self/fd").unwrap();
            files.flatten().filter_map(|file| fs::read_link(file.path()).ok()).any(|file| file == path)
        };
        while is_open() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Writes at the same time, and compares what each writer heard.
    async fn write(&mut self, ops: Vec<Op>) {
        let mut writes = Vec::new();
        for op in &ops {
            writes.push(self.prepare(op));
        }
        let inbox = self.inbox().clone();
        let calls: Vec<_> = writes
            .iter()
            .map(|(_, call)| {
                let (inbox, call) = (inbox.clone(), call.clone());
                tokio::spawn(async move { call.run(&inbox).await })
            })
            .collect();
        let mut heard = Vec::new();
        for call in calls {
            heard.push(call.await.unwrap());
        }
        let mut answers = BTreeMap::<String, Vec<Answer>>::new();
        for (record, answer) in self.fold().await {
            answers.entry(named(record)).or_default().push(answer);
        }
        for ((record, call), heard) in writes.into_iter().zip(heard) {
            if matches!(&call, Call::Many(users, _) if users.is_empty()) {
                assert_eq!(heard, Heard::Number(0));
                continue;
            }
            let name = named(record);
            // What changes nothing needs no record.
            if matches!(heard, Heard::Changed { changed: 0, .. }) {
                continue;
            }
            let candidates = answers.get_mut(&name).unwrap_or_else(|| panic!("{name} is not in the log"));
            let is_it = |answer: &Answer| call.expects(answer) == heard;
            let found = candidates.iter().position(is_it);
            let found =
                found.unwrap_or_else(|| panic!("{name}: heard {heard:?}, and the log says {candidates:?}"));
            candidates.swap_remove(found);
        }
    }

    /// Time passes, and what is over by then leaves.
    async fn pass(&mut self, time: Duration) {
        self.clock.pass(time).await;
        let now = self.clock.now().0;
        let is_over = |item: &naive::Item| {
            let age = AGES[usize::from(!item.read)] * 1_000;
            item.expires().is_some_and(|end| end <= now) || item.time < now - age
        };
        loop {
            self.fold().await;
            let mut items = self.model.users.values().flat_map(|inbox| &inbox.items);
            if !items.any(is_over) {
                break;
            }
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
    }

    async fn restart(&mut self, Restart { hub, database, under_way }: Restart) {
        let writes: Vec<_> = under_way.iter().map(|op| self.prepare(op).1).collect();
        let inbox = self.inbox().clone();
        let calls: Vec<_> = writes
            .into_iter()
            .map(|call| {
                let inbox = inbox.clone();
                tokio::spawn(async move { call.run(&inbox).await })
            })
            .collect();
        drop(inbox);
        // Some of them have begun then.
        tokio::task::yield_now().await;
        for call in calls {
            call.abort();
            let _ = call.await;
        }
        self.close_inbox().await;
        if hub {
            self.hub.close().await.unwrap();
        }
        let path = self.database();
        let copy = path.with_extension("copy");
        match database {
            Database::Kept => {}
            Database::Lost => fs::remove_file(&path).unwrap(),
            Database::Older if !copy.exists() => {}
            Database::Older => drop(fs::copy(&copy, &path).unwrap()),
            Database::Garbage => fs::write(&path, vec![b'x'; 5_000]).unwrap(),
        }
        if hub {
            // Each life begins with nothing released.
            (self.of_store, self.of_inbox) = Default::default();
            self.hub = open_hub(&self.dir, &self.clock, self.retention, self.of_store.clone()).await;
        }
        self.open_inbox().await;
        self.pass(Duration::ZERO).await;
    }

    /// As SQLite itself makes a copy of what is in use.
    fn copy(&self) {
        let copy = self.database().with_extension("copy");
        let _ = fs::remove_file(&copy);
        let connection = rusqlite::Connection::open(self.database()).unwrap();
        connection.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
        // Else it would be one whose changes were taken away.
        let connection = rusqlite::Connection::open(copy).unwrap();
        connection.execute("UPDATE meta SET value = 1 WHERE name = 'closed'", []).unwrap();
    }

    /// Another projection, which begins with nothing, comes to the same.
    async fn second(&mut self) {
        let second = start(&self.hub, Location::Memory, &self.clock, None).await;
        self.compare_all(&second).await;
    }

    /// Everything, with the model.
    async fn compare(&mut self) {
        let inbox = self.inbox().clone();
        self.compare_all(&inbox).await;
        // What the keepers wrote in the meantime.
        let mut clients = std::mem::take(&mut self.clients);
        for client in &mut clients {
            client.compare(&inbox, &self.model).await;
        }
        self.clients = clients;
    }

    async fn compare_all(&mut self, inbox: &Inbox) {
        for name in USERS {
            loop {
                self.fold().await;
                let seen = self.look(inbox, name).await;
                let before = self.folded;
                self.fold().await;
                // Else the keeper wrote something in between, or the projection has not come to what it wrote.
                if before == self.folded && seen.position >= self.last_record {
                    self.judge(name, seen);
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
    }

    async fn look(&self, inbox: &Inbox, name: &str) -> Seen {
        let user = user(name);
        let all = ListRequest { limit: Some(200), ..ListRequest::default() };
        let some = self.some_request(name);
        let position = inbox.list(&user, all.clone()).await.unwrap().position.sequence.0;
        Seen {
            position,
            count: inbox.unread(&user).await.unwrap(),
            all: inbox.list(&user, all).await.unwrap(),
            some: (some.clone(), inbox.list(&user, some).await.unwrap()),
            mutes: inbox.mutes(&user).await.unwrap(),
            follows: inbox.follows(&user).await.unwrap(),
        }
    }

    /// Another one at each turn.
    fn some_request(&self, name: &str) -> ListRequest {
        let turn = self.turn;
        let three = |number: usize| [None, Some(true), Some(false)][number % 3];
        let items = self.model.inbox(name).items;
        let item = |number: usize| items.get(number % (items.len() + 1)).map(|item| Sequence(item.sequence));
        ListRequest {
            unread: three(turn),
            archived: three(turn / 3),
            kinds: KINDS[..(turn / 2) % 3].iter().map(|kind| (*kind).to_owned()).collect(),
            before: item(turn / 5),
            after: item(turn / 7),
            limit: [None, Some(0), Some(1), Some(2), Some(3)][turn % 5],
        }
    }

    fn judge(&self, name: &str, seen: Seen) {
        let held = self.model.inbox(name);
        let expected = (held.unread(), held.version);
        assert_eq!((seen.count.count, seen.count.version.0), expected, "the count of {name}");
        for listed in [&seen.all, &seen.some.1] {
            assert_eq!(
                (listed.unread.count, listed.unread.version.0),
                expected,
                "the count of a list of {name}"
            );
        }
        let items: Vec<_> = held.items.iter().rev().cloned().collect();
        assert_eq!(seen.all.items.iter().map(plain).collect::<Vec<_>>(), items, "the list of {name}");
        assert!(!seen.all.more);
        let (request, page) = seen.some;
        let is_meant = |item: &&naive::Item| {
            request.unread.is_none_or(|unread| unread != item.read)
                && request.archived.is_none_or(|archived| archived == item.archived)
                && (request.kinds.is_empty()
                    || request.kinds.iter().any(|kind| item.text("kind") == Some(kind)))
                && request.before.is_none_or(|before| item.sequence < before.0)
                && request.after.is_none_or(|after| item.sequence > after.0)
        };
        let meant: Vec<_> = items.iter().filter(is_meant).cloned().collect();
        let limit = request.limit.unwrap_or(50);
        let first: Vec<_> = meant.iter().take(limit).cloned().collect();
        assert_eq!(page.items.iter().map(plain).collect::<Vec<_>>(), first, "{request:?} of {name}");
        assert_eq!(page.more, meant.len() > limit, "{request:?} of {name}");
        assert_eq!(seen.mutes, held.mutes.into_iter().collect::<Vec<_>>(), "{name}");
        assert_eq!(seen.follows, held.follows.into_iter().collect::<Vec<_>>(), "{name}");
    }

    /// The numbers that the database keeps are those of its rows, and no row belongs to nobody.
    fn recount(&self) {
        let connection = rusqlite::Connection::open(self.database()).unwrap();
        let wrong = "SELECT count(*) FROM users WHERE
             unread <> (SELECT count(*) FROM items WHERE user = key AND flags & 2 = 0)
             OR items <> (SELECT count(*) FROM items WHERE user = key)";
        let mut queries = vec![wrong.to_owned()];
        queries.extend(
            ["items", "deleted", "mutes", "follows"].map(|table| {
                format!("SELECT count(*) FROM {table} WHERE user NOT IN (SELECT key FROM users)")
            }),
        );
        for query in queries {
            let count: i64 = connection.query_row(&query, [], |row| row.get(0)).unwrap();
            assert_eq!(count, 0, "{query}");
        }
    }

    /// Events that are none of the inbox's.
    async fn fill(&mut self, events: usize) {
        for _ in 0..events {
            let topic = Topic::parse("other").unwrap();
            let draft = self.hub.draft(topic, "x".repeat(4_000).into(), DraftFields::default()).unwrap();
            self.hub.publish(draft).await.unwrap();
        }
    }

    /// Hands on what the store wants, and what the inbox releases, which the model has read.
    async fn release(&mut self) {
        let Some(wanted) = self.of_store.wanted_now() else { return };
        self.of_inbox.want_through(wanted);
        let mut turns = 0;
        while self.of_inbox.released() < wanted {
            turns += 1;
            assert!(turns < 100_000, "the inbox releases what retention wants");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.fold().await;
        self.of_store.release_through(wanted.min(self.folded.sequence));
    }

    /// Reads what is new in the log.
    async fn fold(&mut self) -> Vec<(Value, Answer)> {
        let mut folded = Vec::<(Value, Answer)>::new();
        for event in read(&self.hub, &mut self.folded).await {
            self.last_record = event.cursor.sequence.0;
            let mut record = naive::Record::of(&event);
            let answer = self.model.fold(&record);
            // Parts of the followers of a topic, which stand next to each other, are of one call.
            if let Some(to) = record.data.pointer_mut("/notify_topic/to")
                && let Some(topic) = to.get("topic").cloned()
            {
                let part = std::mem::replace(to, topic);
                if part["part"] != 0 {
                    folded.last_mut().into_iter().for_each(|(_, first)| first.notified += answer.notified);
                    continue;
                }
            }
            folded.push((record.data, answer));
        }
        folded
    }

    /// A write as the log will have it, and as a call.
    fn prepare(&mut self, op: &Op) -> (Value, Call) {
        self.titles += 1;
        let title = self.titles.to_string();
        let now = self.clock.now().0;
        let says = |note: &crate::play::Note| {
            let says = note.says(&title, now);
            (says.clone(), Box::new(serde_json::from_value::<Notification>(says).unwrap()))
        };
        let keep = json!({ "items": ITEMS_MAX, "unread": UNREAD_MAX });
        match op {
            Op::Notify(index, note) => {
                let (says, notification) = says(note);
                let record = json!({ "notify": { "to": USERS[*index], "says": says, "keep": keep } });
                (record, Call::Notify(user(USERS[*index]), notification))
            }
            Op::Many(indices, note) => {
                let (says, notification) = says(note);
                let mut names: Vec<_> = indices.iter().map(|index| USERS[*index]).collect();
                let users = names.iter().copied().map(user).collect();
                names.sort_unstable();
                names.dedup();
                let record = json!({ "notify_many": { "to": names, "says": says, "keep": keep } });
                (record, Call::Many(users, notification))
            }
            Op::Topic(index, note) => {
                let (says, notification) = says(note);
                let record = json!({ "notify_topic": { "to": TOPICS[*index], "says": says, "keep": keep } });
                (record, Call::Topic(Topic::parse(TOPICS[*index]).unwrap(), notification))
            }
            Op::Mark(index, mark, pick) => {
                let (which, value) = match pick {
                    Pick::All => (Which::All, json!("all")),
                    Pick::Through(target) => {
                        let id = self.id_of(*index, target);
                        (Which::Through(id), json!({ "through": id }))
                    }
                    Pick::Ids(targets) => {
                        let ids: Vec<_> = targets.iter().map(|target| self.id_of(*index, target)).collect();
                        (Which::Ids(ids.clone()), json!({ "ids": ids }))
                    }
                };
                let record =
                    json!({ "mark": { "user": USERS[*index], "mark": MARKS[*mark], "which": value } });
                let mark = serde_json::from_value::<Mark>(MARKS[*mark].into()).unwrap();
                (record, Call::Mark(user(USERS[*index]), mark, which))
            }
            Op::Delete(index, target) => {
                let id = self.id_of(*index, target);
                (
                    json!({ "delete": { "user": USERS[*index], "ids": [id] } }),
                    Call::Delete(user(USERS[*index]), id),
                )
            }
            Op::Erase(index) => {
                (json!({ "erase": { "user": USERS[*index] } }), Call::Erase(user(USERS[*index])))
            }
            Op::Mute(index, kind, muted) => (
                json!({ "mute": { "user": USERS[*index], "kind": KINDS[*kind], "muted": muted } }),
                Call::Mute(user(USERS[*index]), KINDS[*kind], *muted),
            ),
            Op::Follow(index, selector, follows) => (
                json!({ "follow": { "user": USERS[*index], "selector": SELECTORS[*selector], "follows": follows } }),
                Call::Follow(user(USERS[*index]), SELECTORS[*selector], *follows),
            ),
        }
    }

    fn id_of(&self, index: usize, target: &Target) -> u64 {
        let of = |name: &str, number: usize| {
            let items = self.model.inbox(name).items;
            items.get(number % items.len().max(1)).map_or(1, |item| item.sequence)
        };
        match target {
            Target::Held(number) => of(USERS[index], *number),
            Target::Foreign(number) => of(USERS[(index + 1) % USERS.len()], *number),
            Target::Gone(number) => {
                let gone = &self.model.gone;
                gone.iter().rev().nth(number % gone.len().max(1)).copied().unwrap_or(1)
            }
            Target::Any(id) => *id,
        }
    }
}

struct Seen {
    /// All of it is at least as new as this place.
    position: u64,
    count: tidings_inbox::Unread,
    all: Listed,
    some: (ListRequest, Listed),
    mutes: Vec<String>,
    follows: Vec<String>,
}

#[derive(Clone)]
enum Call {
    Notify(User, Box<Notification>),
    Many(Vec<User>, Box<Notification>),
    Topic(Topic, Box<Notification>),
    Mark(User, Mark, Which),
    Delete(User, u64),
    Erase(User),
    Mute(User, &'static str, bool),
    Follow(User, &'static str, bool),
}

impl Call {
    async fn run(self, inbox: &Inbox) -> Heard {
        let changed = match self {
            Self::Notify(user, says) => {
                let notified = inbox.notify(&user, *says, None).await.unwrap();
                let id = notified.id.to_string();
                return Heard::Notified { id, repeated: notified.repeated, muted: notified.muted };
            }
            Self::Many(users, says) => {
                return Heard::Number(inbox.notify_many(users, *says, None).await.unwrap().notified.unwrap());
            }
            Self::Topic(topic, says) => {
                return Heard::Number(
                    inbox.notify_topic(&topic, *says, None).await.unwrap().notified.unwrap(),
                );
            }
            Self::Mark(user, mark, which) => inbox.mark(&user, mark, which).await,
            Self::Delete(user, id) => inbox.delete(&user, Sequence(id)).await,
            Self::Erase(user) => inbox.erase(&user).await,
            Self::Mute(user, kind, muted) => inbox.mute(&user, kind, muted).await,
            Self::Follow(user, selector, follows) => {
                inbox.follow(&user, &Selector::parse(selector).unwrap(), follows).await
            }
        };
        let changed = changed.unwrap();
        let unread = changed.unread;
        Heard::Changed { changed: changed.changed, count: unread.count, version: unread.version.0 }
    }

    /// What it is to hear if that is what the record did.
    fn expects(&self, answer: &Answer) -> Heard {
        match self {
            Self::Notify(..) => Heard::Notified {
                id: answer.repeated.clone().unwrap_or(answer.id.clone()),
                repeated: answer.repeated.is_some(),
                muted: answer.muted,
            },
            Self::Many(..) | Self::Topic(..) => Heard::Number(answer.notified),
            _ => Heard::Changed { changed: answer.changed, count: answer.count, version: answer.version },
        }
    }
}

fn named(record: Value) -> String {
    record.to_string()
}

/// An item as the model has it.
fn plain(item: &Item) -> naive::Item {
    use tidings_inbox::Flags;
    naive::Item {
        id: item.id.to_string(),
        sequence: item.id.sequence.0,
        time: item.time.0,
        says: serde_json::to_value(&item.says).unwrap(),
        read: item.flags.has(Flags::READ),
        seen: item.flags.has(Flags::SEEN),
        archived: item.flags.has(Flags::ARCHIVED),
    }
}

pub(crate) fn user(name: &str) -> User {
    User::parse(name).unwrap()
}

async fn open_hub(
    dir: &TempDir,
    clock: &Arc<TestClock>,
    retention: Retention,
    hold: Arc<RetentionHold>,
) -> Hub {
    let config = FileStoreConfig {
        dir: dir.path().join("log"),
        durability: Durability::None,
        segment_bytes: 65_536,
        retention,
        hold: Some(hold),
        ..FileStoreConfig::default()
    };
    let store = FileStore::open(config, clock.clone()).unwrap();
    Hub::start(Arc::new(store), Limits::default()).await.unwrap()
}

async fn start(
    hub: &Hub,
    location: Location,
    clock: &Arc<TestClock>,
    hold: Option<Arc<RetentionHold>>,
) -> Inbox {
    let settings = InboxSettings {
        location,
        items_max: ITEMS_MAX,
        unread_max: UNREAD_MAX,
        age_max: Some(Duration::from_secs(AGES[0])),
        unread_age_max: Some(Duration::from_secs(AGES[1])),
        hold,
        carry_pause_max: Duration::ZERO,
        // Few, so that four users are too many for one record.
        keeper_items_max: 2,
        followers_of_record: 1,
    };
    let inbox = Inbox::start(hub.clone(), settings, clock.clone()).await.unwrap();
    inbox.ready().await;
    inbox
}

/// The records of the log after a place, which moves on.
pub(crate) async fn read(hub: &Hub, after: &mut Cursor) -> Vec<Event> {
    let selectors = ["inbox/**", "tidings/inbox"].map(|text| Selector::parse(text).unwrap());
    let selectors = Selectors::new(selectors).unwrap();
    let mut events = Vec::new();
    loop {
        let query = Query {
            start: Start::After(*after),
            selectors: selectors.clone(),
            events_max: 1_000,
            bytes_max: 4 << 20,
        };
        let page = match hub.read(query).await.unwrap() {
            Reading::Page(page) => page,
            Reading::Lost { lost, .. } => panic!("the model is behind the log: {lost:?}"),
        };
        *after = page.next;
        events.extend(page.events);
        if page.next.sequence >= page.head.sequence {
            return events;
        }
    }
}
