//! What the parts of an inbox share.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tidings_core::{Clock, Hub};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::spawn_blocking;

use crate::counts::Counts;
use crate::error::InboxError;
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
    /// The follower is asked to move on over what it has no part in, and to note the place.
    pub(crate) asked_to_advance: AtomicBool,
    /// There may be an item that ends earlier than those before.
    pub(crate) expiry: Notify,
    pub(crate) counts: Counts,
}

impl Shared {
    pub(crate) fn projection(&self) -> MutexGuard<'_, Projection> {
        self.projection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the follower move on to the end of the log, and note the place in the database.
    pub(crate) fn ask_to_advance(&self) {
        self.asked_to_advance.store(true, Ordering::Release);
        self.bell.ring();
    }

    /// Takes another database, which is whole, in the place of the one that there is.
    pub(crate) fn take_database(&self, file: &Path) -> Result<(), InboxError> {
        let mut projection = self.projection();
        let nowhere = Projection::open(&Database::at(Location::Memory))?;
        // No connection may be open.
        drop(std::mem::replace(&mut *projection, nowhere));
        self.readers.close();
        let taken = self.database.take(file);
        *projection = Projection::open(&self.database)?;
        Ok(taken?)
    }

    pub(crate) fn is_late(&self) -> bool {
        self.projection().is_late()
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
}

/// Connections that nobody uses now.
#[derive(Default)]
struct Idle {
    connections: Vec<Connection>,
    /// How often the database was replaced.
    generation: u64,
}

impl Readers {
    pub(crate) fn new(database: Database, connections_max: usize, lookups_max: usize) -> Self {
        let permits = Arc::new(Semaphore::new(connections_max));
        Self { database, idle: Arc::default(), permits, lookups: Arc::new(Semaphore::new(lookups_max)) }
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
        let database = self.database.clone();
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
            Ok(read?)
        });
        task.await.map_err(|_| InboxError::Stopped)?
    }
}
