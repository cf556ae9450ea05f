//! One rebuild, from the first page of the log to a database that is whole and has its own name yet.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::InterruptHandle;
use tidings_core::{Cursor, Event, Hub, Lost, Query, Reading, Sequence, Start};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::fold::fold;
use super::load::Loader;
use super::router::Router;
use super::spill::Spilled;
use super::{NEW, beside, remove_leftovers};
use crate::error::InboxError;
use crate::follow::everything;
use crate::limits::{REBUILD_FOLDERS, REBUILD_PAGES_AHEAD, REBUILD_TELL_SECONDS};

pub(super) struct Attempt {
    pub(super) hub: Hub,
    /// The database that is to be.
    pub(super) path: PathBuf,
    pub(super) begins: Cursor,
    pub(super) began_after: u64,
}

/// A database that is whole.
pub(super) struct Made {
    pub(super) file: PathBuf,
    /// The place of the log that it goes up to.
    pub(super) place: Cursor,
}

/// Why there is none.
pub(super) enum Ended {
    /// The log has lost what comes next.
    Lost { resumes_after: Cursor },
    /// The disk, the database or the store failed.
    Failed(InboxError),
}

impl Attempt {
    /// Makes the database from the log up to a sequence, or a little further.
    pub(super) async fn run(self, through: Sequence) -> Result<Made, Ended> {
        let began = Instant::now();
        remove_leftovers(&self.path)?;
        let events = through.0.saturating_sub(self.begins.sequence.0);
        tracing::info!(events, "the inbox is made from the log in bulk");
        let router = Router::create(&self.path, events)?;
        let (pages, waiting) = mpsc::channel(REBUILD_PAGES_AHEAD);
        let routed = spawn_blocking(move || route(router, waiting));
        let place = self.read(pages, through).await;
        // Also when the log could not be read: it has no pages any more.
        let spills = routed.await.map_err(|_| InboxError::Stopped)?;
        let (place, spills) = (place?, spills?);

        let file = beside(&self.path, NEW);
        let stop = StopOnDrop::default();
        let (own, stopping, began_after) = (file.clone(), stop.0.clone(), self.began_after);
        let loaded = spawn_blocking(move || load(spills, &own, place, began_after, &stopping)).await;
        loaded.map_err(|_| InboxError::Stopped)??;
        let seconds = began.elapsed().as_secs_f64();
        tracing::info!(events, seconds, "the inbox is made from the log");
        Ok(Made { file, place })
    }

    /// Reads the log. Where it ended.
    async fn read(&self, pages: mpsc::Sender<Vec<Event>>, through: Sequence) -> Result<Cursor, Ended> {
        let limits = self.hub.limits();
        let mut place = self.begins;
        let mut progress = Progress::new("events of the log are read for the inbox", through.0);
        while place.sequence < through {
            let query = Query {
                start: Start::After(place),
                selectors: everything(),
                events_max: limits.page_events_max,
                bytes_max: limits.page_bytes_max,
            };
            let page = match self.hub.read(query).await.map_err(InboxError::from)? {
                Reading::Page(page) => page,
                Reading::Lost { lost: Lost::Damaged, resumes_after } => {
                    tracing::warn!(%resumes_after, "records of the inbox cannot be read, and it goes on behind them");
                    place = resumes_after;
                    continue;
                }
                Reading::Lost { resumes_after, .. } => return Err(Ended::Lost { resumes_after }),
            };
            place = page.next;
            // A router that failed says why itself.
            if !page.events.is_empty() && pages.send(page.events).await.is_err() {
                break;
            }
            progress.tell(place.sequence.0);
        }
        Ok(place)
    }
}

fn route(mut router: Router, mut pages: mpsc::Receiver<Vec<Event>>) -> Result<Vec<Spilled>, InboxError> {
    while let Some(events) = pages.blocking_recv() {
        events.iter().try_for_each(|event| router.take(event))?;
    }
    Ok(router.finish()?)
}

/// Folds parts while others are loaded. Of the two, folding takes longer.
pub(super) fn load(
    spills: Vec<Spilled>,
    file: &Path,
    place: Cursor,
    began_after: u64,
    stopping: &Stopping,
) -> Result<(), InboxError> {
    let mut loader = Loader::create(file)?;
    stopping.interrupts(loader.interrupt_handle());
    let mut progress = Progress::new("parts of the inbox are made", spills.len() as u64);
    thread::scope(|scope| {
        // Without room, so that no more parts are in memory than there are threads.
        let (parts, folded) = std::sync::mpsc::sync_channel(0);
        let spills = Arc::new(Mutex::new(spills.into_iter()));
        for _ in 0..REBUILD_FOLDERS {
            let (spills, parts) = (spills.clone(), parts.clone());
            scope.spawn(move || {
                let next = || spills.lock().unwrap_or_else(PoisonError::into_inner).next();
                while let Some(spilled) = next() {
                    // The other end is gone when it has failed.
                    if parts.send(fold(spilled, began_after, || stopping.is_stopped())).is_err() {
                        break;
                    }
                }
            });
        }
        drop(parts);
        for (done, part) in (1..).zip(folded) {
            let Some(part) = part? else { return Err(InboxError::Stopped) };
            loader.add(part)?;
            progress.tell(done);
        }
        Ok(())
    })?;
    loader.finish(file, place, began_after)
}

/// Ends the threads of a rebuild whose caller has gone.
#[derive(Default)]
struct StopOnDrop(Arc<Stopping>);

#[derive(Default)]
pub(super) struct Stopping {
    is_stopped: AtomicBool,
    loader: Mutex<Option<InterruptHandle>>,
}

impl Stopping {
    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    fn interrupts(&self, loader: InterruptHandle) {
        *self.loader.lock().unwrap_or_else(PoisonError::into_inner) = Some(loader);
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.is_stopped.store(true, Ordering::Relaxed);
        if let Some(loader) = &*self.0.loader.lock().unwrap_or_else(PoisonError::into_inner) {
            loader.interrupt();
        }
    }
}

/// Says now and then how far it is.
struct Progress {
    what: &'static str,
    of: u64,
    began: Instant,
    told: Instant,
}

impl Progress {
    fn new(what: &'static str, of: u64) -> Self {
        let now = Instant::now();
        Self { what, of, began: now, told: now }
    }

    fn tell(&mut self, done: u64) {
        if self.told.elapsed() < Duration::from_secs(REBUILD_TELL_SECONDS) {
            return;
        }
        self.told = Instant::now();
        let seconds = self.began.elapsed().as_secs();
        tracing::info!(done, of = self.of, seconds, "{}", self.what);
    }
}

impl From<InboxError> for Ended {
    fn from(error: InboxError) -> Self {
        Self::Failed(error)
    }
}

impl From<std::io::Error> for Ended {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.into())
    }
}
