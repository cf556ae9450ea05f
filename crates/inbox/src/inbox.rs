//! The inbox: what a program asks of it.
//!
//! | file | noun |
//! |---|---|
//! | `notify` | what puts notifications into inboxes |
//! | `changes` | what changes the inbox of one user |
//! | `reads` | what is read of an inbox |

mod changes;
mod notify;
mod reads;

use std::sync::Arc;

use tidings_core::{Clock, Cursor, Hub};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub use self::changes::Changed;
pub use self::notify::{Notified, NotifiedMany};
use crate::carry;
use crate::counts::{Counts, InboxNumbers};
use crate::error::InboxError;
use crate::follow;
use crate::keeper;
use crate::limits::{LOOKUPS_MAX, READERS_MAX, READY_WAIT, REBUILD_EVENTS_MIN};
use crate::live::Live;
use crate::progress::Progress;
use crate::projection::Projection;
use crate::rebuild;
use crate::settings::InboxSettings;
use crate::shared::{Readers, Shared};
use crate::sqlite::Database;

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
        let started = shared.hub.bounds();
        let begins = match follow::goes_on(&shared)? {
            Some(place) => place,
            None => begin(&shared).await?,
        };
        let handles = vec![
            tokio::spawn(follow::run(shared.clone(), begins)),
            tokio::spawn(keeper::keep(shared.clone(), started)),
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
}

/// Begins an empty database where the log begins. Rows of another log go with their file, which is quicker than to delete them.
async fn begin(shared: &Arc<Shared>) -> Result<Cursor, InboxError> {
    let floor = shared.hub.bounds().floor;
    if shared.projection().applied()?.is_some() {
        shared.empty().await?;
    }
    shared.begin(floor).await?;
    Ok(floor)
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
