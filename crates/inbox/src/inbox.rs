//! The inbox: what a program asks of it.

use std::sync::Arc;

use tidings_core::event::KeyFields;
use tidings_core::{Clock, Cursor, EpochStatus, Hub, Selector, Sequence, Topic};
use tokio::task::JoinHandle;

use crate::carry;
use crate::effect::{Outcome, Unread};
use crate::error::InboxError;
use crate::follow;
use crate::keeper;
use crate::limits::{FOLLOWS_MAX, MUTES_MAX, READERS_MAX, REBUILD_EVENTS_MIN};
use crate::live::Live;
use crate::notification::Notification;
use crate::progress::Progress;
use crate::projection::Projection;
use crate::rebuild;
use crate::record::{Keep, Mark, Notify, Record, Which};
use crate::settings::InboxSettings;
use crate::shared::{Readers, Shared};
use crate::sqlite::Database;
use crate::sqlite::read::{self, ListRequest, Listed};
use crate::user::User;
use crate::watch::Watch;
use crate::writer::{append, draft, write};

/// The inboxes of all users of a hub. Cloning shares them.
///
/// Every write is answered when its record is as durable as the store promises and the database shows it.
#[derive(Clone)]
pub struct Inbox {
    shared: Arc<Shared>,
    _tasks: Arc<Tasks>,
}

/// Ended when the last clone of the inbox is dropped.
struct Tasks(Vec<JoinHandle<()>>);

/// A notification that is a fact now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notified {
    /// The item; the one that was there already if it is repeated.
    pub id: Cursor,
    /// It was there already, by its dedupe key or its idempotency key.
    pub repeated: bool,
    /// The user has muted its kind, and there is no item.
    pub muted: bool,
}

/// What came of a change of one inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// The count behind it.
    pub unread: Unread,
    /// Items that are other than before.
    pub changed: u64,
}

impl Inbox {
    /// Opens the database, and begins to follow the hub's log. Must be called in a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the database can neither be opened nor made.
    pub async fn start(hub: Hub, settings: InboxSettings, clock: Arc<dyn Clock>) -> Result<Self, InboxError> {
        Self::start_with(hub, settings, clock, REBUILD_EVENTS_MIN).await
    }

    pub(crate) async fn start_with(
        hub: Hub,
        settings: InboxSettings,
        clock: Arc<dyn Clock>,
        rebuild_events_min: u64,
    ) -> Result<Self, InboxError> {
        let database = Database::at(settings.location.clone());
        let opened = database.clone();
        let projection =
            tokio::task::spawn_blocking(move || open(&opened)).await.map_err(|_| InboxError::Stopped)??;
        let shared = Arc::new(Shared {
            hub,
            database: database.clone(),
            rebuild_events_min,
            settings,
            clock,
            projection: std::sync::Mutex::new(projection),
            readers: Readers::new(database, READERS_MAX),
            progress: Progress::default(),
            live: Arc::<Live>::default(),
            ready: tokio::sync::watch::Sender::new(false),
            bell: Arc::default(),
            asked_to_advance: std::sync::atomic::AtomicBool::new(false),
            expiry: tokio::sync::Notify::new(),
        });
        let begins = match follow::goes_on(&shared)? {
            Some(place) => place,
            None => {
                let floor = shared.hub.bounds().floor;
                shared.projection().begin(floor)?;
                floor
            }
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the inbox keeps the handles, and ends the tasks with itself"
        )]
        let tasks = vec![
            tokio::spawn(follow::run(shared.clone(), begins)),
            tokio::spawn(keeper::expire(shared.clone())),
            tokio::spawn(keeper::prune(shared.clone())),
            tokio::spawn(carry::carry(shared.clone())),
        ];
        Ok(Self { shared, _tasks: Arc::new(Tasks(tasks)) })
    }

    /// Waits until it has come to the end of the log. Cancel safe.
    pub async fn ready(&self) {
        keeper::wait_until_ready(&self.shared).await;
    }

    /// Whether it has.
    pub fn is_ready(&self) -> bool {
        *self.shared.ready.borrow()
    }

    /// Notifies a user. With an idempotency key, the same call again has the same answer and no second item.
    ///
    /// Cancel safety: a dropped call may or may not have notified.
    ///
    /// # Errors
    ///
    /// See [`InboxError`]. But for [`InboxError::Stopped`] nothing was written.
    pub async fn notify(
        &self,
        user: &User,
        says: Notification,
        key: Option<KeyFields<'_>>,
    ) -> Result<Notified, InboxError> {
        self.check_ready()?;
        let record = Record::Notify(Notify { to: user.clone(), says, keep: self.keep() });
        let (outcome, published) = self.write_keyed(vec![record], key).await?;
        let Some(first) = published.first() else { return Err(InboxError::Stopped) };
        Ok(Notified {
            id: outcome.repeated.unwrap_or(first.cursor),
            repeated: first.repeated || outcome.repeated.is_some(),
            muted: outcome.muted,
        })
    }

    /// Notifies many users, all or none. Users that are named twice are notified once. How many have a new item.
    ///
    /// # Errors
    ///
    /// As for [`notify`](Self::notify).
    pub async fn notify_many(
        &self,
        mut users: Vec<User>,
        says: Notification,
        key: Option<KeyFields<'_>>,
    ) -> Result<u64, InboxError> {
        self.check_ready()?;
        users.sort();
        users.dedup();
        // An event has a bound, and a list of long names does not fit into one.
        let bytes_max = self.shared.hub.limits().event_bytes_max;
        let room =
            bytes_max.saturating_sub(serde_json::to_vec(&says).map_or(0, |text| text.len()) + 200).max(1);
        let mut records = Vec::new();
        let mut bytes = usize::MAX;
        let mut lists: Vec<Vec<User>> = Vec::new();
        for user in users {
            let more = serde_json::to_string(&user).map_or(0, |text| text.len()) + 1;
            match lists.last_mut().filter(|_| bytes.saturating_add(more) <= room) {
                Some(list) => {
                    bytes += more;
                    list.push(user);
                }
                None => {
                    bytes = more;
                    lists.push(vec![user]);
                }
            }
        }
        records.extend(
            lists
                .into_iter()
                .map(|to| Record::NotifyMany(Notify { to, says: says.clone(), keep: self.keep() })),
        );
        if records.is_empty() {
            return Ok(0);
        }
        Ok(self.write_keyed(records, key).await?.0.notified)
    }

    /// Notifies those who follow a topic at this place of the log. How many have a new item.
    ///
    /// # Errors
    ///
    /// As for [`notify`](Self::notify).
    pub async fn notify_topic(
        &self,
        topic: &Topic,
        says: Notification,
        key: Option<KeyFields<'_>>,
    ) -> Result<u64, InboxError> {
        self.check_ready()?;
        let record = Record::NotifyTopic(Notify { to: topic.as_str().into(), says, keep: self.keep() });
        Ok(self.write_keyed(vec![record], key).await?.0.notified)
    }

    /// Marks items. Those that are not there are passed over.
    ///
    /// # Errors
    ///
    /// As for [`notify`](Self::notify).
    pub async fn mark(&self, user: &User, mark: Mark, which: Which) -> Result<Changed, InboxError> {
        self.change(Record::Mark { user: user.clone(), mark, which }).await
    }

    /// Takes an item away.
    ///
    /// # Errors
    ///
    /// As for [`notify`](Self::notify).
    pub async fn delete(&self, user: &User, id: Sequence) -> Result<Changed, InboxError> {
        self.change(Record::Delete { user: user.clone(), ids: vec![id.0] }).await
    }

    /// Takes all away that is known of a user. Nothing reads it from then on; its bytes leave the log with retention.
    ///
    /// # Errors
    ///
    /// As for [`notify`](Self::notify).
    pub async fn erase(&self, user: &User) -> Result<Changed, InboxError> {
        self.change(Record::Erase { user: user.clone() }).await
    }

    /// Wants notifications of a kind no more, or again.
    ///
    /// # Errors
    ///
    /// As for [`notify`](Self::notify); and [`InboxError::TooMany`].
    pub async fn mute(&self, user: &User, kind: &str, muted: bool) -> Result<Changed, InboxError> {
        if muted {
            let mutes = self.mutes(user).await?;
            check_room(&mutes, kind, MUTES_MAX, "muted kinds")?;
        }
        self.change(Record::Mute { user: user.clone(), kind: kind.into(), muted }).await
    }

    /// Follows topics, or does not any more.
    ///
    /// # Errors
    ///
    /// As for [`mute`](Self::mute).
    pub async fn follow(
        &self,
        user: &User,
        selector: &Selector,
        follows: bool,
    ) -> Result<Changed, InboxError> {
        if follows {
            let followed = self.follows(user).await?;
            check_room(&followed, selector.as_str(), FOLLOWS_MAX, "selectors that are followed")?;
        }
        self.change(Record::Follow { user: user.clone(), selector: selector.as_str().into(), follows }).await
    }

    /// The count of a user. Zero for one that the hub has never heard of.
    ///
    /// # Errors
    ///
    /// When the database cannot be read, or is not there yet; so below.
    pub async fn unread(&self, user: &User) -> Result<Unread, InboxError> {
        self.check_ready()?;
        let user = user.clone();
        self.shared.readers.read(move |connection| read::unread(connection, &user)).await
    }

    /// A page of a user's items, newest first.
    ///
    /// # Errors
    ///
    /// As for [`unread`](Self::unread).
    pub async fn list(&self, user: &User, request: ListRequest) -> Result<Listed, InboxError> {
        self.check_ready()?;
        let user = user.clone();
        self.shared.readers.read(move |connection| read::list(connection, &user, &request)).await
    }

    /// Whether an item is there.
    ///
    /// # Errors
    ///
    /// As for [`unread`](Self::unread).
    pub async fn holds(&self, user: &User, id: Sequence) -> Result<bool, InboxError> {
        self.check_ready()?;
        let user = user.clone();
        self.shared.readers.read(move |connection| read::holds(connection, &user, id)).await
    }

    /// The kinds that a user has muted, sorted.
    ///
    /// # Errors
    ///
    /// As for [`unread`](Self::unread).
    pub async fn mutes(&self, user: &User) -> Result<Vec<String>, InboxError> {
        self.check_ready()?;
        let user = user.clone();
        self.shared.readers.read(move |connection| read::mutes(connection, &user)).await
    }

    /// The selectors that a user follows, sorted.
    ///
    /// # Errors
    ///
    /// As for [`unread`](Self::unread).
    pub async fn follows(&self, user: &User) -> Result<Vec<String>, InboxError> {
        self.check_ready()?;
        let user = user.clone();
        self.shared.readers.read(move |connection| read::follows(connection, &user)).await
    }

    /// Follows the inbox of a user. [`Watch::begin`] is called first.
    pub fn watch(&self, user: &User) -> Watch {
        Watch::new(self.shared.clone(), user.clone())
    }

    /// Whether a place that a reader brings is one of this log. Another one is a gap.
    pub fn knows(&self, place: Cursor) -> bool {
        match self.shared.hub.status_of(place.epoch) {
            EpochStatus::Current => place.sequence <= self.shared.hub.bounds().head.sequence,
            EpochStatus::Ended { at } => place.sequence <= at,
            EpochStatus::Unknown => false,
        }
    }

    fn keep(&self) -> Keep {
        Keep { items: self.shared.settings.items_max, unread: self.shared.settings.unread_max }
    }

    fn check_ready(&self) -> Result<(), InboxError> {
        if self.is_ready() { Ok(()) } else { Err(InboxError::NotReady) }
    }

    async fn change(&self, record: Record) -> Result<Changed, InboxError> {
        self.check_ready()?;
        let (Outcome { changed, unread, .. }, _) = write(&self.shared, vec![record]).await?;
        Ok(Changed { unread, changed })
    }

    async fn write_keyed(
        &self,
        records: Vec<Record>,
        key: Option<KeyFields<'_>>,
    ) -> Result<(Outcome, Vec<tidings_core::Published>), InboxError> {
        // The key of each record of a call is another one, made of that of the call.
        let _ = key;
        let drafts =
            records.iter().map(|record| draft(&self.shared, record)).collect::<Result<Vec<_>, _>>()?;
        append(&self.shared, drafts).await
    }
}

/// Opens the database. One that is of another form or cannot be read is made anew from the log, which says it all.
fn open(database: &Database) -> Result<Projection, InboxError> {
    if let Some(path) = database.path() {
        rebuild::remove_leftovers(path)?;
    }
    match Projection::open(database) {
        Ok(projection) => Ok(projection),
        Err(error) => {
            if let Some(path) = database.path() {
                tracing::warn!(%error, path = %path.display(), "the database of the inbox is made anew from the log");
            }
            database.remove()?;
            Projection::open(database)
        }
    }
}

fn check_room(held: &[String], text: &str, max: usize, what: &'static str) -> Result<(), InboxError> {
    if held.len() >= max && !held.iter().any(|held| held == text) {
        return Err(InboxError::TooMany { what, max });
    }
    Ok(())
}

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}
