//! What the parts of an inbox share.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tidings_core::{Clock, Cursor, Hub, Sequence};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::spawn_blocking;

use crate::counts::Counts;
use crate::error::{InboxError, is_damage};
use crate::follow::Bell;
use crate::live::Live;
use crate::progress::Progress;
use crate::projection::Projection;
use crate::settings::InboxSettings;
use crate::sqlite::{Database, Location};

pub(crate) struct Shared {
    pub(crate) hub: Hub,
    pub(crate) settings: InboxSettings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) database: Database,
    /// Events before an empty database from which on it is made in bulk.
    pub(crate) rebuild_events_min: u64,
    pub(crate) projection: Mutex<Projection>,
    pub(crate) readers: Readers,
    pub(crate) progress: Progress,
    pub(crate) live: Arc<Live>,
    /// Whether the database has come to the end of the log once.
    pub(crate) ready: watch::Sender<bool>,
    /// Wakes the follower.
    pub(crate) bell: Arc<Bell>,
    /// The follower is asked to move on to here over what it has no part in, and to note the place in the database.
    pub(crate) asked_through: AtomicU64,
    /// There may be an item that ends earlier than those before.
    pub(crate) expiry: Notify,
    pub(crate) counts: Counts,
}

impl Shared {
    pub(crate) fn projection(&self) -> MutexGuard<'_, Projection> {
        self.projection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the follower move on to a place of the log at the least, and note it in the database.
    pub(crate) fn ask_to_advance(&self, through: Sequence) {
        self.asked_through.fetch_max(through.0, Ordering::AcqRel);
        self.bell.ring();
    }

    /// Begins the database at a place of the log, without rows.
    pub(crate) async fn begin(self: &Arc<Self>, after: Cursor) -> Result<(), InboxError> {
        let shared = self.clone();
        spawn_blocking(move || shared.projection().begin(after)).await.map_err(|_| InboxError::Stopped)?
    }

    /// Takes an empty database in the place of the one that there is. Nobody may [read](Readers::alone).
    pub(crate) async fn empty(self: &Arc<Self>) -> Result<(), InboxError> {
        let shared = self.clone();
        let emptied = spawn_blocking(move || shared.replace_database(Database::remove));
        emptied.await.map_err(|_| InboxError::Stopped)?
    }

    /// Takes another database, which is whole, in the place of the one that there is. Nobody may [read](Readers::alone).
    pub(crate) fn take_database(&self, file: &Path) -> Result<(), InboxError> {
        self.replace_database(|database| database.take(file))
    }

    /// Closes the database in order. What comes after is not kept. Nobody may [read](Readers::alone).
    pub(crate) fn close_database(&self) -> Result<(), InboxError> {
        let nowhere = Projection::open(&Database::at(Location::Memory))?;
        let mut projection = self.projection();
        // The last connection takes the files of the changes away.
        self.readers.close();
        drop(std::mem::replace(&mut *projection, nowhere));
        Ok(())
    }

    fn replace_database(
        &self,
        replace: impl FnOnce(&Database) -> std::io::Result<()>,
    ) -> Result<(), InboxError> {
        let mut projection = self.projection();
        let nowhere = Projection::open(&Database::at(Location::Memory))?;
        // No connection may be open.
        drop(std::mem::replace(&mut *projection, nowhere));
        self.readers.close();
        let replaced = replace(&self.database);
        match Projection::open(&self.database) {
            Ok(opened) => *projection = opened,
            Err(error) => {
                // Nothing may be written to what stands in its place: the follower tries again until there is a database.
                self.readers.note_damage();
                return Err(error);
            }
        }
        Ok(replaced?)
    }
}

/// Connections that read.
pub(crate) struct Readers {
    database: Database,
    idle: Arc<Mutex<Idle>>,
    /// For readings of many rows.
    permits: Arc<Semaphore>,
    /// For those of one row or a few, which do not wait for the others.
    lookups: Arc<Semaphore>,
    /// How many of each there are.
    connections_max: [u32; 2],
    damage: Arc<Damage>,
}

/// Whether a reader has found the database damaged.
struct Damage {
    is_found: AtomicBool,
    /// The follower is told, which makes it anew.
    bell: Arc<Bell>,
}

/// Connections that nobody uses now.
#[derive(Default)]
struct Idle {
    connections: Vec<Connection>,
    /// How often the database was replaced.
    generation: u64,
}

impl Readers {
    pub(crate) fn new(database: Database, connections_max: u32, lookups_max: u32, bell: Arc<Bell>) -> Self {
        let permits = |max: u32| Arc::new(Semaphore::new(max as usize));
        Self {
            database,
            idle: Arc::default(),
            permits: permits(connections_max),
            lookups: permits(lookups_max),
            connections_max: [connections_max, lookups_max],
            damage: Arc::new(Damage { is_found: AtomicBool::new(false), bell }),
        }
    }

    /// Waits until nobody reads, and lets nobody read until the answer is dropped. A connection to a file that is replaced would take the
    /// new one's changes away when it is closed, since it knows them by their name.
    pub(crate) async fn alone(&self) -> Result<[OwnedSemaphorePermit; 2], InboxError> {
        let [connections_max, lookups_max] = self.connections_max;
        let stopped = |_| InboxError::Stopped;
        let readings = self.permits.clone().acquire_many_owned(connections_max).await.map_err(stopped)?;
        let lookups = self.lookups.clone().acquire_many_owned(lookups_max).await.map_err(stopped)?;
        Ok([readings, lookups])
    }

    /// Whether a reader has found the database damaged.
    pub(crate) fn found_damage(&self) -> bool {
        self.damage.is_found.load(Ordering::Acquire)
    }

    fn note_damage(&self) {
        self.damage.is_found.store(true, Ordering::Release);
        self.damage.bell.ring();
    }

    pub(crate) fn damage_is_mended(&self) {
        self.damage.is_found.store(false, Ordering::Release);
    }

    /// Closes all connections. One that is in use is closed when its reading ends.
    fn close(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.connections.clear();
        idle.generation += 1;
    }

    /// Reads many rows, on a thread that may block. Cancel safe: what was begun ends by itself, and is bounded.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        self.read_by(&self.permits, read).await
    }

    /// Reads a few rows, on a thread that may block. Cancel safe, as above.
    pub(crate) async fn look_up<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        self.read_by(&self.lookups, read).await
    }

    async fn read_by<T: Send + 'static>(
        &self,
        permits: &Arc<Semaphore>,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        // The semaphore is never closed.
        let permit = permits.clone().acquire_owned().await.map_err(|_| InboxError::Stopped)?;
        let idle = self.idle.clone();
        let (database, damage) = (self.database.clone(), self.damage.clone());
        let task = spawn_blocking(move || {
            // Of the reading and not of who waits for it: clients that leave at once would have all threads read.
            let _permit = permit;
            let (taken, generation) = {
                let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
                (idle.connections.pop(), idle.generation)
            };
            let connection = match taken {
                Some(connection) => connection,
                None => database.reader()?,
            };
            let read = read(&connection);
            let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.generation == generation {
                idle.connections.push(connection);
            }
            if read.as_ref().is_err_and(is_damage) {
                damage.is_found.store(true, Ordering::Release);
                damage.bell.ring();
            }
            Ok(read?)
        });
        task.await.map_err(|_| InboxError::Stopped)?
    }
}
