//! The file store: one segmented log in a directory.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use async_trait::async_trait;
use tidings_core::tail::{Announcer, ReadLog};
use tidings_core::{
    Bounds, Clock, Cursor, Draft, Epoch, EpochStatus, Placement, Query, Reading, Sequence, Store, StoreError,
    Tail,
};
use tokio::sync::oneshot;

use super::condition::Condition;
use super::config::FileStoreConfig;
use super::content;
use super::directory;
use super::disk::os::OsDisk;
use super::disk::{Disk, FreeSpace};
use super::holes;
use super::host::{self, Host, Random};
use super::lock::{Lock, LockedDirectory};
use super::log::Log;
use super::mend::Mender;
use super::metrics::StoreMetrics;
use super::open;
use super::open_error::OpenError;
use super::queue::{Append, Queue};
use super::read::LogReader;
use super::scrub::{Scrub, Scrubber};
use super::seal::Sealer;
use super::writer::LogWriter;
use crate::limits::{SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};

/// Keeps the log in a directory of files.
///
/// Appends go through one thread, which makes many of them durable with one write and one `fdatasync`. Reads go
/// through tokio's blocking threads, a bounded number at once.
///
/// Dropping a store that was not closed closes it, and waits for that.
pub struct FileStore {
    log: Arc<Log>,
    reader: Arc<LogReader>,
    announcer: Arc<Announcer>,
    queue: Arc<Queue>,
    disk: Arc<dyn Disk>,
    metrics: StoreMetrics,
    running: Mutex<Option<Running>>,
    #[expect(
        clippy::disallowed_types,
        reason = "held while a close waits for the writer, so that a second one waits too"
    )]
    closing: tokio::sync::Mutex<()>,
}

/// What ends when the store is closed.
struct Running {
    scrubber: Option<Scrubber>,
    writer: JoinHandle<Result<(), StoreError>>,
    _lock: Option<Lock>,
}

impl FileStore {
    /// Opens the log of a directory, or begins one. Reads the newest segment, so it may take a moment: call it from a
    /// thread that may block.
    ///
    /// # Errors
    ///
    /// See [`OpenError`], and its [`hint`](OpenError::hint).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::{SystemTime, UNIX_EPOCH};
    ///
    /// use tidings_core::{Clock, Store, UnixMillis};
    /// use tidings_store::{FileStore, FileStoreConfig};
    ///
    /// struct WallClock;
    ///
    /// impl Clock for WallClock {
    ///     fn now(&self) -> UnixMillis {
    ///         let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    ///         UnixMillis(since.as_millis() as u64)
    ///     }
    /// }
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let dir = dir.path().join("data");
    /// let store = FileStore::open(FileStoreConfig { dir, ..FileStoreConfig::default() }, Arc::new(WallClock))?;
    /// assert_eq!(store.bounds().head.sequence.0, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(mut config: FileStoreConfig, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        config.segment_bytes = config.segment_bytes.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
        let dir = &config.dir;
        let io = |source| OpenError::Io { file: dir.display().to_string(), source };
        directory::make(dir).map_err(io)?;
        let locked = LockedDirectory::take(dir)?;
        directory::refuse_what_is_not_ours(&locked.dir, dir)?;
        let disk = OsDisk::new(&locked.dir).map_err(io)?;
        content::refuse_what_is_not_ours(&disk, dir)?;
        directory::warn_if_open_to_others(&locked.dir, dir);
        let lock = locked.with_file()?;
        let host = Host {
            disk: Arc::new(disk),
            clock,
            boot: host::boot_of_system(),
            random: Random::of_system().map_err(io)?,
        };
        let writer = open::open(host, &config, Sealer::start)?;
        Self::start_with(writer, Some(lock), config.scrub_bytes_per_second).map_err(io)
    }

    /// Starts the writer, without a scrubber.
    #[cfg(test)]
    pub(crate) fn start(writer: LogWriter, lock: Option<Lock>) -> std::io::Result<Self> {
        Self::start_with(writer, lock, 0)
    }

    /// Starts the writer in its thread, and the scrubber if it has something to do.
    #[expect(clippy::disallowed_methods, reason = "`running` keeps the thread, and `Running::end` joins it")]
    #[expect(clippy::disallowed_types, reason = "see the field")]
    fn start_with(
        writer: LogWriter,
        lock: Option<Lock>,
        scrub_bytes_per_second: u64,
    ) -> std::io::Result<Self> {
        let (log, announcer, metrics) =
            (writer.log.clone(), writer.announcer.clone(), writer.metrics.clone());
        let (disk, clock) = (writer.disk.clone(), writer.clock.clone());
        let mender = Arc::new(Mender::new(log.clone(), disk.clone()));
        let scrub = Scrub {
            log: log.clone(),
            disk: disk.clone(),
            mender: mender.clone(),
            clock,
            metrics: metrics.clone(),
            bytes_per_second: scrub_bytes_per_second,
        };
        let queue = Arc::new(Queue::new());
        writer.retiring.on_release(&queue);
        let thread = {
            let (queue, announcer) = (queue.clone(), announcer.clone());
            let run = move || {
                let _end = WriterEnd(&queue, &announcer);
                writer.run(&queue)
            };
            Builder::new().name("tidings-write".to_owned()).spawn(run)?
        };
        let scrubber = (scrub_bytes_per_second > 0).then(|| Scrubber::start(scrub)).transpose();
        let scrubber = scrubber.inspect_err(|_| queue.close())?;
        Ok(Self {
            reader: Arc::new(LogReader::new(log.clone(), mender)),
            log,
            announcer,
            queue,
            disk,
            metrics,
            running: Mutex::new(Some(Running { scrubber, writer: thread, _lock: lock })),
            closing: tokio::sync::Mutex::default(),
        })
    }

    /// The events from the earliest one held to the head that cannot be read, as far as that is known: oldest first, as ranges.
    pub fn damage(&self) -> Vec<RangeInclusive<Sequence>> {
        holes::of_log(&self.log.view())
    }

    /// What is wrong with it now, while it serves what it can.
    pub fn condition(&self) -> Condition {
        self.metrics.condition()
    }

    /// The space of the file system that it is on, if the system tells.
    pub fn free_space(&self) -> Option<FreeSpace> {
        self.disk.free_space().ok()
    }

    /// What it measures.
    pub fn metrics(&self) -> &StoreMetrics {
        &self.metrics
    }

    fn stop(&self) -> Option<Running> {
        self.queue.close();
        self.running.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// However the writer ends, nobody waits for it any more.
struct WriterEnd<'a>(&'a Queue, &'a Announcer);

impl Drop for WriterEnd<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let error = panicked();
            self.0.refuse(error.clone());
            self.1.fail(error);
        }
        self.0.close();
        self.1.close();
    }
}

impl Running {
    /// Waits for the writer, and lets go of the directory.
    fn end(self) -> Result<(), StoreError> {
        drop(self.scrubber);
        self.writer.join().unwrap_or_else(|_| Err(panicked()))
    }
}

fn panicked() -> StoreError {
    StoreError::Stopped("its writer has panicked".into())
}

#[async_trait]
impl Store for FileStore {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Placement>, StoreError> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        let begun = Instant::now();
        let _room = self.queue.room().await;
        let (reply, answer) = oneshot::channel();
        if let Some(bell) = self.queue.push(Append { drafts, reply })? {
            bell.ring_after_others();
        }
        let answered = answer.await;
        self.metrics.appended(begun.elapsed());
        answered.unwrap_or_else(|_| Err(StoreError::Stopped("its writer has ended".into())))
    }

    async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        let begun = Instant::now();
        let reading = self.reader.read(query).await;
        self.metrics.read(begun.elapsed());
        reading
    }

    fn bounds(&self) -> Bounds {
        self.log.bounds()
    }

    fn status_of(&self, epoch: Epoch) -> EpochStatus {
        self.log.view().status_of(epoch)
    }

    async fn tail(&self, after: Cursor) -> Result<Box<dyn Tail>, StoreError> {
        Ok(self.announcer.tail(after, self.reader.clone()))
    }

    async fn close(&self) -> Result<(), StoreError> {
        // A second call waits for the first, so that the directory is free when either returns.
        let _one_at_a_time = self.closing.lock().await;
        let Some(running) = self.stop() else { return Ok(()) };
        #[expect(
            clippy::disallowed_methods,
            reason = "it ends with the writer, whose queue is closed, and is waited for"
        )]
        let ended = tokio::task::spawn_blocking(|| running.end());
        ended.await.unwrap_or_else(|_| Err(panicked()))
    }
}

impl Drop for FileStore {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.stop().map(Running::end) {
            tracing::error!(%error, "the store was not closed in good order");
        }
    }
}
