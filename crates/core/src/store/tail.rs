//! The tail of a store that lives in this process: fresh batches as they become durable, and the log itself for
//! whatever a tail missed.
//!
//! An [`Announcer`] never waits for a tail. A tail that falls behind reads pages until it has caught up.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use async_trait::async_trait;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::yield_now;

use crate::event::{Cursor, Event};
use crate::limits::{ANNOUNCED_BATCHES_MAX, ANNOUNCED_BYTES_MAX, TAIL_PAGE_BYTES_MAX, TAIL_PAGE_EVENTS_MAX};
use crate::read::gap::Lost;
use crate::select::Selectors;
use crate::store::{Query, Reading, Start, StoreError, Tail, TailError, Tailed};

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
    channel: Mutex<Option<Channel>>,
    /// What stopped the store. Set before the channel is closed, and never after.
    failure: Arc<OnceLock<StoreError>>,
}

#[derive(Debug)]
struct Channel {
    sender: broadcast::Sender<Announcement>,
    /// Bytes of each announcement that a tail has not taken yet, oldest first.
    sizes: VecDeque<usize>,
    bytes: usize,
}

#[derive(Debug, Clone)]
enum Announcement {
    Batch(Arc<[Event]>),
    /// A batch that would have held too many bytes in memory: it is in the log.
    InTheLog,
    NewEpoch(Cursor),
}

impl Default for Announcer {
    fn default() -> Self {
        let sender = broadcast::Sender::new(ANNOUNCED_BATCHES_MAX);
        let channel = Channel { sender, sizes: VecDeque::new(), bytes: 0 };
        Self { channel: Mutex::new(Some(channel)), failure: Arc::default() }
    }
}

impl Announcer {
    /// Hands out a batch. To be called in the order of the log, once [`ReadLog::read`] would return the batch.
    pub fn announce(&self, batch: Arc<[Event]>) {
        if let (false, Some(channel)) = (batch.is_empty(), &mut *self.lock()) {
            let bytes = batch.iter().map(|event| event.draft.bytes()).sum();
            channel.send(bytes, Announcement::Batch(batch));
        }
    }

    /// Says that the log goes on in another epoch after a place. To be called once [`ReadLog::read`] no longer returns
    /// what was cut off.
    pub fn announce_epoch(&self, begins: Cursor) {
        if let Some(channel) = &mut *self.lock() {
            channel.send(0, Announcement::NewEpoch(begins));
        }
    }

    /// Lets every tail end once it has handed out what was announced.
    pub fn close(&self) {
        self.lock().take();
    }

    /// Lets every tail fail with an error once it has handed out what was announced: the store has stopped. Does nothing
    /// after [`close`](Self::close).
    pub fn fail(&self, error: StoreError) {
        if let channel @ Some(_) = &mut *self.lock() {
            // The first error is the cause.
            let _ = self.failure.set(error);
            *channel = None;
        }
    }

    /// Follows the log from after a place.
    pub fn tail(&self, after: Cursor, log: Arc<dyn ReadLog>) -> Box<dyn Tail> {
        let announcements = self.lock().as_ref().map(|channel| channel.sender.subscribe());
        Box::new(LogTail { log, announcements, failure: self.failure.clone(), after, catching_up: true })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Channel>> {
        self.channel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Channel {
    fn send(&mut self, bytes: usize, announcement: Announcement) {
        // What every tail has taken is no longer in memory.
        while self.sizes.len() > self.sender.len() {
            self.bytes -= self.sizes.pop_front().unwrap_or(0);
        }
        let (bytes, announcement) = match self.bytes + bytes > ANNOUNCED_BYTES_MAX {
            true => (0, Announcement::InTheLog),
            false => (bytes, announcement),
        };
        self.sizes.push_back(bytes);
        self.bytes += bytes;
        // No receiver is no error: nobody follows the log.
        let _ = self.sender.send(announcement);
    }
}

struct LogTail {
    log: Arc<dyn ReadLog>,
    announcements: Option<broadcast::Receiver<Announcement>>,
    failure: Arc<OnceLock<StoreError>>,
    after: Cursor,
    /// The log may hold events after `after` that no batch will bring.
    catching_up: bool,
}

#[async_trait]
impl Tail for LogTail {
    async fn next(&mut self) -> Result<Option<Tailed>, TailError> {
        loop {
            if self.catching_up {
                // A store that answers at once must not keep other tasks from this thread.
                yield_now().await;
                if let Some(tailed) = self.read_on().await.map_err(|error| self.cause_of(error))? {
                    return Ok(Some(tailed));
                }
                self.catching_up = false;
            }
            let Some(announcements) = &mut self.announcements else {
                return self.failure.get().map_or(Ok(None), |error| Err(error.clone().into()));
            };
            match announcements.recv().await {
                Ok(Announcement::Batch(batch)) => {
                    if let Some(fresh) = self.admit(&batch) {
                        return Ok(Some(Tailed::Events(fresh)));
                    }
                }
                Ok(Announcement::NewEpoch(begins)) if begins.epoch == self.after.epoch => {}
                // The log alone knows whether the epoch is still to come, or is over already: a tail that has caught up
                // may be in a later one.
                Ok(Announcement::InTheLog | Announcement::NewEpoch(_)) | Err(RecvError::Lagged(_)) => {
                    self.catching_up = true;
                }
                Err(RecvError::Closed) => {
                    // A close during the catch-up may have hidden the last batches.
                    self.announcements = None;
                    self.catching_up = true;
                }
            }
        }
    }
}

impl LogTail {
    /// The part of a batch that was not handed out before; none if a hole before it must be read first.
    fn admit(&mut self, batch: &Arc<[Event]>) -> Option<Arc<[Event]>> {
        let known = batch.partition_point(|event| event.cursor.sequence <= self.after.sequence);
        let first = batch.get(known)?;
        if first.cursor != self.after.next() {
            self.catching_up = true;
            return None;
        }
        self.after = batch.last()?.cursor;
        Some(if known == 0 { batch.clone() } else { batch[known..].into() })
    }

    /// A log that cannot be read any more because the store has stopped will never be read again: that is what to tell.
    fn cause_of(&self, error: TailError) -> TailError {
        match (error, self.failure.get()) {
            (TailError::Store(_), Some(failure)) => failure.clone().into(),
            (error, _) => error,
        }
    }

    /// The next page of the log, or the epoch in which it goes on; none if the tail has caught up.
    async fn read_on(&mut self) -> Result<Option<Tailed>, TailError> {
        match self.read_after(self.after, TAIL_PAGE_EVENTS_MAX).await? {
            Reading::Page(page) => Ok(self.take_page(page.events, page.next)),
            Reading::Lost { lost: Lost::OtherEpoch, resumes_after } => self.change_epoch(resumes_after).await,
            Reading::Lost { lost: Lost::Expired | Lost::Damaged, resumes_after } => {
                self.after = resumes_after;
                Err(TailError::Expired { resumes_after })
            }
            Reading::Lost { lost: Lost::Unknown, .. } => Ok(None),
        }
    }

    /// Goes on after a place of the current epoch, since its own place was cut off.
    async fn change_epoch(&mut self, resumes_after: Cursor) -> Result<Option<Tailed>, TailError> {
        // What comes next may be of an epoch between.
        let next = match self.read_after(resumes_after, 1).await? {
            Reading::Page(page) => page.events.first().map(|event| event.cursor.previous()),
            Reading::Lost { .. } => None,
        };
        // If the old epoch does not reach as far, it ended further back, and retention has taken what came then.
        let reaches = self.read_after(self.after.at(resumes_after.sequence), 1).await?;
        self.after = next.unwrap_or(resumes_after);
        match reaches {
            Reading::Page(_) => Ok(Some(Tailed::NewEpoch(self.after))),
            Reading::Lost { .. } => Err(TailError::Expired { resumes_after: self.after }),
        }
    }

    async fn read_after(&self, after: Cursor, events_max: usize) -> Result<Reading, StoreError> {
        let (start, selectors) = (Start::After(after), Selectors::everything());
        self.log.read(Query { start, selectors, events_max, bytes_max: TAIL_PAGE_BYTES_MAX }).await
    }

    /// Hands out the events of a page up to the first of another epoch, or that epoch if it comes first.
    fn take_page(&mut self, mut events: Vec<Event>, next: Cursor) -> Option<Tailed> {
        let epoch = self.after.epoch;
        let same = events.iter().take_while(|event| event.cursor.epoch == epoch).count();
        match events.get(same).map(|event| event.cursor) {
            Some(first) if same == 0 => {
                self.after = first.previous();
                Some(Tailed::NewEpoch(self.after))
            }
            Some(first) => {
                events.truncate(same);
                self.after = self.after.at(first.sequence.previous());
                Some(Tailed::Events(events.into()))
            }
            None if events.is_empty() && next.epoch != epoch => {
                self.after = next;
                Some(Tailed::NewEpoch(next))
            }
            None => {
                self.after = self.after.at(next.sequence);
                (!events.is_empty()).then(|| Tailed::Events(events.into()))
            }
        }
    }
}
