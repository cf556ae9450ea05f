//! The tail of a store that lives in this process: fresh batches as they become durable, and the log itself for
//! whatever a tail missed.
//!
//! An [`Announcer`] never waits for a tail. A tail that falls behind reads pages until it has caught up.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::event::Event;
use crate::event::cursor::Sequence;
use crate::select::selector::Selectors;
use crate::store::{Query, Reading, Start, StoreError, Tail, TailError};

/// Batches that a tail may be behind before it reads the log. A batch is what one write to the disk held, so this
/// is some seconds; the batches are shared, and dropped once every tail has seen them.
const BATCHES_MAX: usize = 256;

/// Events and bytes of one page that a tail reads to catch up.
const PAGE_EVENTS_MAX: usize = 1_000;
const PAGE_BYTES_MAX: usize = 1_048_576;

/// The reading half of a store, shared between the store and its tails.
#[async_trait]
pub trait ReadLog: Send + Sync + 'static {
    /// As [`Store::read`](crate::Store::read).
    ///
    /// # Errors
    ///
    /// As there.
    async fn read(&self, query: Query) -> Result<Reading, StoreError>;
}

/// Hands batches of durable events to all tails of a store.
#[derive(Debug)]
pub struct Announcer {
    batches: Mutex<Option<broadcast::Sender<Arc<[Event]>>>>,
}

impl Default for Announcer {
    fn default() -> Self {
        Self { batches: Mutex::new(Some(broadcast::Sender::new(BATCHES_MAX))) }
    }
}

impl Announcer {
    /// Hands out a batch. To be called in the order of the log, once [`ReadLog::read`] would return the batch.
    pub fn announce(&self, batch: Arc<[Event]>) {
        if let (false, Some(batches)) = (batch.is_empty(), &*self.lock()) {
            // No receiver is no error: nobody follows the log.
            let _ = batches.send(batch);
        }
    }

    /// Lets every tail end once it has handed out what was announced.
    pub fn close(&self) {
        self.lock().take();
    }

    /// Follows the log from after a place.
    pub fn tail(&self, after: Sequence, log: Arc<dyn ReadLog>) -> Box<dyn Tail> {
        let batches = self.lock().as_ref().map(broadcast::Sender::subscribe);
        Box::new(LogTail { log, batches, after, catching_up: true })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<broadcast::Sender<Arc<[Event]>>>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct LogTail {
    log: Arc<dyn ReadLog>,
    batches: Option<broadcast::Receiver<Arc<[Event]>>>,
    after: Sequence,
    /// The log may hold events after `after` that no batch will bring.
    catching_up: bool,
}

#[async_trait]
impl Tail for LogTail {
    async fn next(&mut self) -> Result<Option<Arc<[Event]>>, TailError> {
        loop {
            if self.catching_up {
                if let Some(batch) = self.page().await? {
                    return Ok(Some(batch));
                }
                self.catching_up = false;
            }
            let Some(batches) = &mut self.batches else { return Ok(None) };
            match batches.recv().await {
                Ok(batch) => {
                    if let Some(fresh) = self.admit(&batch) {
                        return Ok(Some(fresh));
                    }
                }
                Err(RecvError::Lagged(_)) => self.catching_up = true,
                Err(RecvError::Closed) => {
                    // A close during the catch-up may have hidden the last batches.
                    self.batches = None;
                    self.catching_up = true;
                }
            }
        }
    }
}

impl LogTail {
    /// The part of a batch that was not handed out before; none if a hole before it must be read first.
    fn admit(&mut self, batch: &Arc<[Event]>) -> Option<Arc<[Event]>> {
        let known = batch.partition_point(|event| event.sequence <= self.after);
        let first = batch.get(known)?;
        if first.sequence != self.after.next() {
            self.catching_up = true;
            return None;
        }
        self.after = batch.last()?.sequence;
        Some(if known == 0 { batch.clone() } else { batch[known..].into() })
    }

    async fn page(&mut self) -> Result<Option<Arc<[Event]>>, TailError> {
        let query = Query {
            start: Start::After(self.after),
            selectors: Selectors::everything(),
            events_max: PAGE_EVENTS_MAX,
            bytes_max: PAGE_BYTES_MAX,
        };
        match self.log.read(query).await? {
            Reading::Page(page) => {
                self.after = page.next;
                Ok(if page.events.is_empty() { None } else { Some(page.events.into()) })
            }
            Reading::Expired { earliest } => {
                self.after = earliest.previous();
                Err(TailError::Expired { earliest })
            }
            Reading::Unknown { .. } => Ok(None),
        }
    }
}
