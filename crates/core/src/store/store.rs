//! Stop 4 of the walk: the store, which keeps the log and is its only sequencer.
//!
//! Five verbs: append, read, bounds, tail, close; and one question, what it knows of an epoch. A store knows no
//! subscribers. Every store passes the `contract`, restart included.

use std::sync::Arc;

use async_trait::async_trait;
use tidings_sse::EventId;

use crate::event::{BatchProgress, Cursor, Draft, Epoch, EpochStatus, Event, Sequence, UnixMillis};
use crate::read::gap::Lost;
use crate::select::Selectors;

/// Keeps one totally ordered log of events.
///
/// Each life of the log is an epoch. Before the first append of a life, the store begins an epoch that no log had before,
/// durably and in the log itself, so that no place is ever given twice: not after a lost tail, and not after an older
/// copy was put back. Until then the log stands at the end of the epoch before. An event keeps its epoch for ever.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Places drafts at the end of the log, in order and next to each other, all or none. Returns when they
    /// are as durable as the store promises; only then may anyone see them.
    ///
    /// A draft whose idempotency key the store remembers gets the place of the first one instead.
    ///
    /// If the last draft has a [`BatchPart`](crate::BatchPart), the append is a part of a batch, and its key is judged
    /// for the whole append: either all drafts are placed, or none is and all have the same placement. The store judges
    /// and places in one step, so of two appends that go on behind the same progress only one is placed.
    ///
    /// Cancel safety: a dropped call may or may not have placed its drafts. With keys it can be repeated.
    ///
    /// # Errors
    ///
    /// None of the drafts has a place then, but for [`StoreError::Stopped`], which leaves it open.
    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Placement>, StoreError>;

    /// Reads one page of the log. Sees every event whose `append` has returned, and none that is not durable.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// See [`StoreError::turn`].
    async fn read(&self, query: Query) -> Result<Reading, StoreError>;

    /// The ends of the log now.
    fn bounds(&self) -> Bounds;

    /// What the log's line of epochs says of one of them. An epoch leaves the line when it ended before the earliest event
    /// held, and not earlier.
    fn status_of(&self, epoch: Epoch) -> EpochStatus;

    /// Follows the log from after a place, however far back that is.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    async fn tail(&self, after: Cursor) -> Result<Box<dyn Tail>, StoreError>;

    /// Refuses new appends, finishes those it has, makes all of it durable and lets go of its resources.
    /// Afterwards tails end. A second call does nothing.
    ///
    /// # Errors
    ///
    /// When what was acknowledged under a weaker durability could not be made durable.
    async fn close(&self) -> Result<(), StoreError>;
}

/// Follows the end of a log.
#[async_trait]
pub trait Tail: Send {
    /// What comes next, in order and without a hole; `None` when the store was closed and all was handed out. Cancel
    /// safe: a dropped call has taken nothing.
    ///
    /// # Errors
    ///
    /// [`TailError::Expired`] when retention overtook the tail; the next call goes on from there. [`StoreError::Stopped`]
    /// when the store has stopped for good, as soon as that is known and all that was announced was handed out.
    async fn next(&mut self) -> Result<Option<Tailed>, TailError>;
}

/// What a tail hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tailed {
    /// The next events, at least one, all of the epoch that was told last.
    Events(Arc<[Event]>),
    /// The log goes on in another epoch: what the tail handed out beyond this place is no longer in it. Comes before
    /// the first event of the epoch. The place is not after the tail's own.
    NewEpoch(Cursor),
}

/// Where a draft of an append went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Placed now.
    New(Cursor),
    /// Its idempotency key was there already, with an event that says the same.
    Repeated(Cursor),
    /// Its idempotency key was there already, with an event that says something else. Nothing was placed.
    KeyReused(Cursor),
    /// The append is a part of a batch that does not go on where the store knows the batch to be. Nothing was placed.
    BatchAt(BatchProgress),
}

impl Placement {
    /// What a draft is answered with whose key the store remembers: `known` is the newest event held that has the key.
    /// `None` if the draft goes on behind it, as the next part of the same batch, and is to be placed.
    pub fn under_known_key(known: &Event, draft: &Draft) -> Option<Self> {
        match (known.draft.batch_part(), draft.batch_part()) {
            (Some(known_part), Some(part)) if part.goes_on_behind(known_part) => None,
            (Some(known_part), Some(_)) => Some(Self::BatchAt(known_part.at(known.cursor))),
            (None, None) if known.draft.says_the_same_as(draft) => Some(Self::Repeated(known.cursor)),
            // One key never names a batch and an event of its own, whatever they say.
            (None, None) | (Some(_), None) | (None, Some(_)) => Some(Self::KeyReused(known.cursor)),
        }
    }
}

/// The ends of a log: it holds the events after `floor` up to and including `head`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The place before the first event still held; equal to the head if none is.
    pub floor: Cursor,
    /// The place of the last event, in the newest epoch; its sequence is zero if there never was one.
    pub head: Cursor,
}

impl Bounds {
    /// The first event still held; one after the head if none is.
    pub fn earliest(&self) -> Sequence {
        self.floor.sequence.next()
    }

    /// The newest epoch. It is over if its life is, and nothing was appended since.
    pub fn epoch(&self) -> Epoch {
        self.head.epoch
    }
}

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Where to begin.
    pub start: Start,
    /// Which events to return; the others are passed over.
    pub selectors: Selectors,
    /// At most so many events. With 0 the place is all that is wanted, and no event is looked at: the page is empty, and goes
    /// on after its beginning.
    pub events_max: usize,
    /// Stop before the events, as [`Draft::bytes`] counts them, exceed this; the first is returned whatever its size.
    pub bytes_max: usize,
}

/// Where a reading begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// After this place. Its epoch may be an earlier one of the log.
    After(Cursor),
    /// After the earliest event that has this publisher's id and matches the selectors.
    AfterId(EventId),
    /// At the first event of this time or later. Expired if what is gone may have been of that time.
    Since(UnixMillis),
    /// At the first event held.
    Earliest,
    /// At the N-th from the end of those that match.
    Last(usize),
}

/// The answer to a [`Query`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// What was asked for.
    Page(Page),
    /// The start cannot be had. [`Lost::Expired`]: events between it and what is held may have matched, and are gone; so
    /// is a place before what is held whose epoch is not on the line, which may have been there. [`Lost::Unknown`]: an id
    /// never seen or no longer held, or a place after the head. [`Lost::OtherEpoch`]: a place of an epoch that is not
    /// this log's, or beyond where that epoch ended in it. [`Lost::Damaged`]: the place can be had, and the next events that match, or may
    /// have matched, cannot be read; a page ends before such events, so that only a reading that begins there is answered with this.
    Lost {
        /// Why.
        lost: Lost,
        /// From here on, nothing that can still be had is missed: the floor, where the epoch of the start ended, or the last of the
        /// events that cannot be read.
        resumes_after: Cursor,
    },
}

/// A run of the log, selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The place the page begins after: what the start of the query came to.
    pub after: Cursor,
    /// The matching events, in order.
    pub events: Vec<Event>,
    /// Every matching event up to here was returned; read on after it. Never less than `after`.
    pub next: Cursor,
    /// The head of the log when the page was read: there is more exactly if `next` is less.
    pub head: Cursor,
    /// The start was [`Start::Last`], and the reading ran out of its budget before it had found as many events: what
    /// follows `after` are those that it found, if any.
    pub partial: bool,
}

impl Page {
    /// Whether the log had more after the page when it was read.
    pub fn has_more(&self) -> bool {
        self.next.sequence < self.head.sequence
    }
}

/// Why a store did not do it. The text is for the operator's log and names no client's data.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No space on the disk.
    #[error("the store is full: {0}")]
    Full(Arc<str>),
    /// Out of reach for the moment.
    #[error("the store is unavailable: {0}")]
    Unavailable(Arc<str>),
    /// The request can never succeed.
    #[error("the store refuses: {0}")]
    Refused(Arc<str>),
    /// The store has stopped for good, or was closed.
    #[error("the store has stopped: {0}")]
    Stopped(Arc<str>),
    /// What is on the disk is not what was written.
    #[error("the store is corrupt: {0}")]
    Corrupt(Arc<str>),
}

/// Whose turn it is after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The caller may try the same again.
    TryAgain,
    /// The same will never succeed.
    GiveUp,
    /// The process should end and be started again. What was acknowledged is kept, unless the error says which events
    /// may be gone.
    StopProcess,
    /// An operator must look.
    CallOperator,
}

impl StoreError {
    /// Whose turn it is.
    pub fn turn(&self) -> Turn {
        match self {
            Self::Full(_) | Self::Unavailable(_) => Turn::TryAgain,
            Self::Refused(_) => Turn::GiveUp,
            Self::Stopped(_) => Turn::StopProcess,
            Self::Corrupt(_) => Turn::CallOperator,
        }
    }
}

/// Why a tail did not go on.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum TailError {
    /// Retention took events that the tail had not handed out, or the store cannot read them.
    #[error("events up to {} cannot be had any more", resumes_after.sequence)]
    Expired {
        /// The tail goes on after this place.
        resumes_after: Cursor,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
