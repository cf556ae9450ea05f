//! The inbox: what a program asks of it.

use std::sync::Arc;

use tidings_core::{Clock, Cursor, EpochStatus, Hub, Selector, Sequence, Topic};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::carry;
use crate::counts::{Counts, InboxNumbers};
use crate::effect::{Outcome, Unread};
use crate::error::InboxError;
use crate::follow;
use crate::keeper;
use crate::key::CallKey;
use crate::limits::{
    FOLLOWS_MAX, LOOKUPS_MAX, MUTES_MAX, PATTERNS_MAX, READERS_MAX, READY_WAIT, REBUILD_EVENTS_MIN,
};
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
use crate::watched::WatchedClock;
use crate::writer::{Written, write, write_once};

/// The inboxes of all users of a hub. Cloning shares them.
///
/// Every write is answered when its record is as durable as the store promises and the database shows it.
#[derive(Clone)]
pub struct Inbox {
    shared: Arc<Shared>,
    tasks: Arc<Tasks>,
}

/// Ended when the last clone of the inbox is dropped, and those who watch with them.
struct Tasks {
    handles: Vec<JoinHandle<()>>,
    live: Arc<Live>,
}

/// A notification that is a fact now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notified {
    /// The item; the one that was there already if it is repeated.
    pub id: Cursor,
    /// It was there already, by its dedupe key or its idempotency key.
    pub repeated: bool,
    /// The call was made before, by its idempotency key.
    pub replayed: bool,
    /// The user has muted its kind, and there is no item.
    pub muted: bool,
}

/// Notifications of many users that are a fact now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotifiedMany {
    /// Users that have a new item. None of a call that was made before, so long ago that this is not known any more.
    pub notified: Option<u64>,
    /// The call was made before, by its idempotency key, and nothing has come in now.
    pub repeated: bool,
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
        let bell = Arc::<follow::Bell>::default();
        let shared = Arc::new(Shared {
            hub,
            database: database.clone(),
            rebuild_events_min,
            settings,
            clock,
            projection: std::sync::Mutex::new(projection),
            readers: Readers::new(database, READERS_MAX, LOOKUPS_MAX, bell.clone()),
            progress: Progress::default(),
            live: Arc::<Live>::default(),
            ready: tokio::sync::watch::Sender::new(false),
            bell,
            asked_through: std::sync::atomic::AtomicU64::new(0),
            expiry: tokio::sync::Notify::new(),
            counts: Counts::default(),
        });
        shared.counts.set_patterns(shared.projection().patterns());
        let watched = WatchedClock::begin(&shared.hub, shared.clock.now()).await;
        let begins = match follow::goes_on(&shared)? {
            Some(place) => place,
            None => begin(&shared).await?,
        };
        let handles = vec![
            tokio::spawn(follow::run(shared.clone(), begins)),
            tokio::spawn(keeper::keep(shared.clone(), watched)),
            tokio::spawn(carry::carry(shared.clone())),
        ];
        let tasks = Tasks { handles, live: shared.live.clone() };
        Ok(Self { shared, tasks: Arc::new(tasks) })
    }

    /// Ends it, and closes its database in order: what was erased is in none of its files then. All clones end with it. Call it after the hub is
    /// closed.
    ///
    /// # Errors
    ///
    /// When the database cannot be closed in order. It loses nothing by that.
    pub async fn close(&self) -> Result<(), InboxError> {
        self.tasks.end();
        self.shared.ready.send_replace(false);
        self.shared.live.close();
        self.shared.progress.stop();
        let alone = self.shared.readers.alone().await?;
        let shared = self.shared.clone();
        let closed = tokio::task::spawn_blocking(move || {
            let _alone = alone;
            shared.close_database()
        });
        closed.await.map_err(|_| InboxError::Stopped)?
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
        key: Option<CallKey<'_>>,
    ) -> Result<Notified, InboxError> {
        self.wait_ready().await?;
        let record = Record::Notify(Notify { to: user.clone(), says: says.into(), keep: self.keep() });
        let Written { outcome, last, repeated: replayed } =
            write_once(&self.shared, vec![record], key).await?;
        let outcome = outcome.unwrap_or_default();
        Ok(Notified {
            id: outcome.repeated.unwrap_or(last),
            repeated: replayed || outcome.repeated.is_some(),
            replayed,
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
        key: Option<CallKey<'_>>,
    ) -> Result<NotifiedMany, InboxError> {
        self.wait_ready().await?;
        users.sort();
        users.dedup();
        // An event has a bound, and a list of long names does not fit into one.
        let bytes_max = self.shared.hub.limits().event_bytes_max;
        let room =
            bytes_max.saturating_sub(serde_json::to_vec(&says).map_or(0, |text| text.len()) + 200).max(1);
        let says = Arc::new(says);
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
            return Ok(NotifiedMany { notified: Some(0), repeated: false });
        }
        Ok(NotifiedMany::of(write_once(&self.shared, records, key).await?))
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
        key: Option<CallKey<'_>>,
    ) -> Result<NotifiedMany, InboxError> {
        self.wait_ready().await?;
        let record =
            Record::NotifyTopic(Notify { to: topic.as_str().into(), says: says.into(), keep: self.keep() });
        Ok(NotifiedMany::of(write_once(&self.shared, vec![record], key).await?))
    }

    /// Marks items. Those that are not there are passed over.
    ///
    /// # Errors
    ///
    /// As for [`notify`](Self::notify).
    pub async fn mark(&self, user: &User, mark: Mark, which: Which) -> Result<Changed, InboxError> {
        if matches!(&which, Which::Ids(ids) if ids.is_empty()) {
            return self.nothing(user).await;
        }
        self.change(user, Record::Mark { user: user.clone(), mark, which }).await
    }

    /// Takes an item away.
    ///
    /// # Errors
    ///
    /// As for [`notify`](Self::notify).
    pub async fn delete(&self, user: &User, id: Sequence) -> Result<Changed, InboxError> {
        self.change(user, Record::Delete { user: user.clone(), ids: vec![id.0] }).await
    }

    /// Takes all away that is known of a user. Nothing reads it from then on; its bytes leave the log with retention.
    ///
    /// # Errors
    ///
    /// As for [`notify`](Self::notify).
    pub async fn erase(&self, user: &User) -> Result<Changed, InboxError> {
        self.change(user, Record::Erase { user: user.clone() }).await
    }

    /// Wants notifications of a kind no more, or again.
    ///
    /// # Errors
    ///
    /// As for [`notify`](Self::notify); and [`InboxError::TooMany`].
    pub async fn mute(&self, user: &User, kind: &str, muted: bool) -> Result<Changed, InboxError> {
        let mutes = self.mutes(user).await?;
        if mutes.iter().any(|held| held == kind) == muted {
            return self.nothing(user).await;
        }
        if muted {
            check_room(&mutes, MUTES_MAX, "muted kinds")?;
        }
        self.change(user, Record::Mute { user: user.clone(), kind: kind.into(), muted }).await
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
        let followed = self.follows(user).await?;
        if followed.iter().any(|held| held == selector.as_str()) == follows {
            return self.nothing(user).await;
        }
        if follows {
            check_room(&followed, FOLLOWS_MAX, "selectors that are followed")?;
            if selector.topic().is_none() && self.shared.counts.patterns() >= PATTERNS_MAX as u64 {
                return Err(InboxError::TooManyPatterns);
            }
        }
        self.change(user, Record::Follow { user: user.clone(), selector: selector.as_str().into(), follows })
            .await
    }

    /// The count of a user. Zero for one that the hub has never heard of.
    ///
    /// # Errors
    ///
    /// When the database cannot be read, or is not there yet; so below.
    pub async fn unread(&self, user: &User) -> Result<Unread, InboxError> {
        self.wait_ready().await?;
        let user = user.clone();
        self.shared
            .readers
            .look_up(move |connection| read::unread(connection, &user))
            .await
            .and_then(|read| self.still_ready(read))
    }

    /// A page of a user's items, newest first.
    ///
    /// # Errors
    ///
    /// As for [`unread`](Self::unread).
    pub async fn list(&self, user: &User, request: ListRequest) -> Result<Listed, InboxError> {
        self.wait_ready().await?;
        let user = user.clone();
        self.shared
            .readers
            .read(move |connection| read::list(connection, &user, &request))
            .await
            .and_then(|read| self.still_ready(read))
    }

    /// The sequences of those items of a user that are there. An id of another epoch is that of another item, of a log that was put back.
    ///
    /// # Errors
    ///
    /// As for [`unread`](Self::unread).
    pub async fn held(&self, user: &User, ids: Vec<Cursor>) -> Result<Vec<Sequence>, InboxError> {
        self.wait_ready().await?;
        let user = user.clone();
        self.shared
            .readers
            .look_up(move |connection| read::held(connection, &user, &ids))
            .await
            .and_then(|read| self.still_ready(read))
    }

    /// The sequence up to which an id is one of this log; none if its epoch is not known. What was cut off behind it has the sequences of
    /// other items now.
    pub fn reaches(&self, id: Cursor) -> Option<Sequence> {
        match self.shared.hub.status_of(id.epoch) {
            EpochStatus::Current => Some(id.sequence),
            EpochStatus::Ended { at } => Some(id.sequence.min(at)),
            EpochStatus::Unknown => None,
        }
    }

    /// The kinds that a user has muted, sorted.
    ///
    /// # Errors
    ///
    /// As for [`unread`](Self::unread).
    pub async fn mutes(&self, user: &User) -> Result<Vec<String>, InboxError> {
        self.wait_ready().await?;
        let user = user.clone();
        self.shared
            .readers
            .look_up(move |connection| read::mutes(connection, &user))
            .await
            .and_then(|read| self.still_ready(read))
    }

    /// The selectors that a user follows, sorted.
    ///
    /// # Errors
    ///
    /// As for [`unread`](Self::unread).
    pub async fn follows(&self, user: &User) -> Result<Vec<String>, InboxError> {
        self.wait_ready().await?;
        let user = user.clone();
        self.shared
            .readers
            .look_up(move |connection| read::follows(connection, &user))
            .await
            .and_then(|read| self.still_ready(read))
    }

    /// Numbers for operators. They cost next to nothing.
    pub fn numbers(&self) -> InboxNumbers {
        let Shared { database, counts, progress, .. } = &*self.shared;
        let (applied, waiting) = progress.numbers();
        InboxNumbers {
            is_ready: self.is_ready(),
            applied,
            waiting,
            records: counts.records(),
            notifications: counts.notifications(),
            changes: counts.changes(),
            patterns: counts.patterns(),
            database_bytes: database.bytes_on_disk(),
        }
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

    /// What was read is of a database that is whole. One that is made anew in the meantime knows of nobody.
    fn still_ready<T>(&self, read: T) -> Result<T, InboxError> {
        if self.is_ready() { Ok(read) } else { Err(InboxError::NotReady) }
    }

    fn keep(&self) -> Keep {
        Keep { items: self.shared.settings.items_max, unread: self.shared.settings.unread_max }
    }

    /// Waits for it, at most for [`READY_WAIT`]. A hub that has just begun reads the last records of its log for a moment, and nobody has to
    /// ask twice for that. Cancel safe.
    ///
    /// # Errors
    ///
    /// [`InboxError::NotReady`] if it is not there then.
    pub async fn wait_ready(&self) -> Result<(), InboxError> {
        if self.is_ready() || timeout(READY_WAIT, self.ready()).await.is_ok() {
            return Ok(());
        }
        Err(InboxError::NotReady)
    }

    async fn change(&self, user: &User, record: Record) -> Result<Changed, InboxError> {
        self.wait_ready().await?;
        let (outcome, _) = write(&self.shared, vec![record]).await?;
        match outcome {
            Some(Outcome { changed, unread, .. }) => Ok(Changed { unread, changed }),
            // The database was made anew in the meantime, and has it.
            None => Ok(Changed { unread: self.unread(user).await?, changed: 0 }),
        }
    }

    /// Of a change that is none: it would fill the log.
    async fn nothing(&self, user: &User) -> Result<Changed, InboxError> {
        Ok(Changed { unread: self.unread(user).await?, changed: 0 })
    }
}

impl NotifiedMany {
    fn of(Written { outcome, repeated, .. }: Written) -> Self {
        Self { notified: outcome.map(|outcome| outcome.notified), repeated }
    }
}

/// Begins an empty database where the log begins. Rows of another log go with their file, which is quicker than to delete them.
async fn begin(shared: &Arc<Shared>) -> Result<Cursor, InboxError> {
    let shared = shared.clone();
    let begun = tokio::task::spawn_blocking(move || {
        let floor = shared.hub.bounds().floor;
        if shared.projection().applied()?.is_some() {
            shared.empty_database()?;
        }
        shared.projection().begin(floor)?;
        Ok(floor)
    });
    begun.await.map_err(|_| InboxError::Stopped)?
}

/// Opens the database. One that is of another form or cannot be read is made anew from the log, which says it all.
fn open(database: &Database) -> Result<Projection, InboxError> {
    if let Some(path) = database.path() {
        rebuild::remove_leftovers(path)?;
    }
    match Projection::open(database) {
        Ok(projection) => Ok(projection),
        // A full disk or a lock is no reason to take away what is good.
        Err(error) if !error.is_damage() => Err(error),
        Err(error) => {
            if let Some(path) = database.path() {
                tracing::warn!(%error, path = %path.display(), "the database of the inbox is made anew from the log");
            }
            database.remove()?;
            Projection::open(database)
        }
    }
}

fn check_room(held: &[String], max: usize, what: &'static str) -> Result<(), InboxError> {
    if held.len() >= max {
        return Err(InboxError::TooMany { what, max });
    }
    Ok(())
}

impl Tasks {
    fn end(&self) {
        for task in &self.handles {
            task.abort();
        }
        self.live.close();
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests;
