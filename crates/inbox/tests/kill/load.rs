//! The process that is killed: it notifies and marks from many tasks, and prints what was acknowledged.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tidings_core::{Clock, Cursor, Hub, Limits, RetentionHold, Selector, Sequence, Topic, UnixMillis};
use tidings_inbox::{Inbox, InboxSettings, Location, Mark, Notification, User, Which};
use tidings_store::{Durability, FileStore, FileStoreConfig, Retention};
use tokio::task::JoinSet;

use crate::records::Recorder;

/// Names the directory for the process that is to be killed.
pub(crate) const DIRECTORY: &str = "TIDINGS_TEST_INBOX_DIRECTORY";
/// The number of its life.
pub(crate) const LIFE: &str = "TIDINGS_TEST_INBOX_LIFE";

pub(crate) const USERS: usize = 5;
const TASKS: usize = 8;

pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap())
    }
}

pub(crate) fn user(number: usize) -> User {
    User::parse(&format!("user {number}")).unwrap()
}

/// A hub with an inbox on a directory. What retention takes was recorded before.
pub(crate) struct Opened {
    pub(crate) hub: Hub,
    pub(crate) inbox: Inbox,
    pub(crate) recorder: Recorder,
}

/// Opens it. `retained` says whether retention takes the beginning of the log.
pub(crate) async fn open(directory: &Path, retained: bool) -> Opened {
    let hold = Arc::<RetentionHold>::default();
    let hub = open_hub(directory, retained, Some(hold.clone())).await;
    let of_inbox = Arc::<RetentionHold>::default();
    let recorder = Recorder::begin(&hub, directory, hold, of_inbox.clone());
    let inbox =
        Inbox::start(hub.clone(), settings(directory, of_inbox), Arc::new(SystemClock)).await.unwrap();
    inbox.ready().await;
    Opened { hub, inbox, recorder }
}

pub(crate) async fn open_hub(directory: &Path, retained: bool, hold: Option<Arc<RetentionHold>>) -> Hub {
    let config = FileStoreConfig {
        dir: directory.join("log"),
        // A kill of the process loses nothing of what the system has.
        durability: Durability::None,
        segment_bytes: 65_536,
        retention: Retention { count: retained.then_some(200), ..Retention::default() },
        hold,
        ..FileStoreConfig::default()
    };
    let store = FileStore::open(config, Arc::new(SystemClock)).unwrap();
    Hub::start(Arc::new(store), Limits::default()).await.unwrap()
}

fn settings(directory: &Path, hold: Arc<RetentionHold>) -> InboxSettings {
    InboxSettings {
        location: Location::File(database(directory)),
        items_max: 40,
        unread_max: 60,
        hold: Some(hold),
        // Killed as often as can be while states are carried.
        carry_pause_max: Duration::ZERO,
        ..InboxSettings::default()
    }
}

pub(crate) fn database(directory: &Path) -> PathBuf {
    directory.join("inbox.db")
}

/// Runs until it is killed.
pub(crate) fn run() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let life = std::env::var(LIFE).unwrap();
    let retained = directory.ends_with("retained");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let Opened { inbox, recorder, .. } = open(Path::new(&directory), retained).await;
        println!("\nbegun");
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let worker = Worker {
                inbox: inbox.clone(),
                name: format!("{life}.{task}"),
                dice: seed(&life, task),
                ids: Vec::new(),
            };
            tasks.spawn(worker.run());
        }
        recorder.run().await;
    });
}

fn seed(life: &str, task: usize) -> u64 {
    life.parse::<u64>().unwrap() * 1_000 + task as u64 + 1
}

struct Worker {
    inbox: Inbox,
    name: String,
    dice: u64,
    /// Of what it notified.
    ids: Vec<(usize, Cursor)>,
}

impl Worker {
    async fn run(mut self) {
        for number in 0.. {
            let (id, record) = self.write(number).await;
            // One line, so that no two are mixed.
            let mut out = std::io::stdout().lock();
            writeln!(out, "acknowledged {id} {record}").unwrap();
        }
    }

    /// Below a bound, by xorshift.
    fn roll(&mut self, sides: usize) -> usize {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        usize::try_from(self.dice % sides as u64).unwrap()
    }

    /// One write. Its place, zero if it changed nothing, and a part of its record, by which it is known in the log.
    async fn write(&mut self, number: u64) -> (u64, Value) {
        let inbox = self.inbox.clone();
        let index = self.roll(USERS);
        let user = user(index);
        let title = format!("{}.{number}", self.name);
        let says = json!({ "title": title, "body": "b".repeat(self.roll(2_000)), "kind": "k", "dedupe": format!("d{}", self.roll(200)) });
        let says: Notification = serde_json::from_value(says).unwrap();
        let changed = match self.roll(20) {
            0..8 => {
                let notified = inbox.notify(&user, says, None).await.unwrap();
                self.ids.push((index, notified.id));
                if notified.repeated || notified.muted {
                    return (0, Value::Null);
                }
                return (notified.id.sequence.0, json!({ "title": title }));
            }
            8 => {
                let users = (0..USERS).map(crate::load::user).collect();
                inbox.notify_many(users, says, None).await.unwrap();
                return (0, json!({ "title": title }));
            }
            9 => {
                inbox.notify_topic(&Topic::parse("a/b").unwrap(), says, None).await.unwrap();
                return (0, json!({ "title": title }));
            }
            10..14 => {
                let ids = self.own(index);
                inbox.mark(&user, Mark::Read, Which::Ids(ids)).await
            }
            14 => inbox.mark(&user, Mark::Unread, Which::Ids(self.own(index))).await,
            15 => inbox.mark(&user, [Mark::Seen, Mark::Archived][self.roll(2)], Which::All).await,
            16 => {
                let id = self.own(index).pop().unwrap_or(1);
                inbox.delete(&user, Sequence(id)).await
            }
            17 => {
                let selector = Selector::parse(["a/b", "a/*"][self.roll(2)]).unwrap();
                let follows = self.roll(2) == 0;
                inbox.follow(&user, &selector, follows).await
            }
            18 => {
                let muted = self.roll(3) == 0;
                inbox.mute(&user, "k", muted).await
            }
            _ if self.roll(5) == 0 => inbox.erase(&user).await,
            _ => inbox.mark(&user, Mark::Read, Which::Through(self.own(index).pop().unwrap_or(1))).await,
        };
        let changed = changed.unwrap();
        let at = if changed.changed > 0 { changed.unread.version.0 } else { 0 };
        (at, json!({ "user": user.as_str(), "count": changed.unread.count }))
    }

    fn own(&mut self, index: usize) -> Vec<u64> {
        let from = self.roll(self.ids.len() + 1);
        let own = self.ids[from..].iter().filter(|(user, _)| *user == index);
        own.map(|(_, id)| id.sequence.0).take(5).collect()
    }
}

/// Long enough for a pause of the recorder.
pub(crate) const PAUSE: Duration = Duration::from_millis(2);

pub(crate) fn recorded(directory: &Path) -> PathBuf {
    directory.join("recorded")
}
