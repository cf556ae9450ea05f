//! The log as the writer, the sealer and all readers share it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidings_core::{Bounds, Cursor, Epoch, EpochStatus, Sequence};

use super::hash::KeyedHash;
use super::segment::Segment;

/// The segments there are now. Readers take a [`LogView`]; nothing that happens later disturbs it.
pub(crate) struct Log {
    pub(crate) epoch: Epoch,
    pub(crate) hash: KeyedHash,
    view: Mutex<LogView>,
}

/// The log at one moment.
#[derive(Clone)]
pub(crate) struct LogView {
    /// Oldest first, without a hole; at least one.
    pub(crate) segments: Arc<Vec<Arc<Segment>>>,
    /// The last event that may be seen.
    pub(crate) head: Sequence,
}

impl Log {
    /// A log of at least one segment.
    pub(crate) fn new(epoch: Epoch, hash: KeyedHash, segments: Vec<Arc<Segment>>, head: Sequence) -> Self {
        Self { epoch, hash, view: Mutex::new(LogView { segments: Arc::new(segments), head }) }
    }

    /// Lets readers see up to an event.
    pub(crate) fn show(&self, head: Sequence) {
        self.lock().head = head;
    }

    /// Adds the newest segment.
    pub(crate) fn push(&self, segment: Arc<Segment>) {
        self.change(|segments| segments.push(segment));
    }

    /// Puts a segment in the place of the one with the same base. False if there is none any more.
    pub(crate) fn replace(&self, segment: Arc<Segment>) -> bool {
        self.change(|segments| {
            let old = segments.iter_mut().find(|old| old.base() == segment.base());
            old.map(|old| *old = segment).is_some()
        })
    }

    /// Takes the oldest segment out; never the newest.
    pub(crate) fn pop(&self) -> Option<Arc<Segment>> {
        self.change(|segments| if segments.len() > 1 { Some(segments.remove(0)) } else { None })
    }

    pub(crate) fn view(&self) -> LogView {
        self.lock().clone()
    }

    pub(crate) fn bounds(&self) -> Bounds {
        let view = self.lock();
        Bounds { floor: view.floor(), head: view.cursor(view.head) }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Arc<Segment>>) -> T) -> T {
        let mut view = self.lock();
        change(Arc::make_mut(&mut view.segments))
    }

    fn lock(&self) -> MutexGuard<'_, LogView> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of a segment that a reader looks at: some of its records, by ordinal.
#[derive(Clone, Copy)]
pub(crate) struct Span<'a> {
    pub(crate) segment: &'a Segment,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span<'_> {
    /// The place of a record.
    pub(crate) fn sequence(&self, ordinal: u32) -> Sequence {
        Sequence(self.segment.base().0 + u64::from(ordinal))
    }
}

impl LogView {
    /// The first event still held.
    pub(crate) fn earliest(&self) -> Sequence {
        self.segments.first().map_or(self.head.next(), |segment| segment.base())
    }

    /// The place before the first event still held.
    pub(crate) fn floor(&self) -> Cursor {
        self.cursor(self.earliest().previous())
    }

    /// The place after an event, in the epoch in which the event was written; the head is in the newest epoch, and the
    /// place before all events in the oldest.
    pub(crate) fn cursor(&self, sequence: Sequence) -> Cursor {
        let at = self.segments.partition_point(|segment| segment.base() <= sequence).saturating_sub(1);
        let segment = if sequence >= self.head { self.segments.last() } else { self.segments.get(at) };
        Cursor::new(segment.map_or(Epoch(0), |segment| segment.header.epoch), sequence)
    }

    /// What the segments tell of an epoch: each begins with a segment of its own.
    pub(crate) fn status_of(&self, epoch: Epoch) -> EpochStatus {
        let newest = self.segments.last().map(|segment| segment.header.epoch);
        if newest == Some(epoch) {
            return EpochStatus::Current;
        }
        let last = self.segments.iter().rposition(|segment| segment.header.epoch == epoch);
        let next = last.and_then(|last| self.segments.get(last + 1));
        next.map_or(EpochStatus::Unknown, |next| EpochStatus::Ended { at: next.base().previous() })
    }

    /// The records after a place, oldest first.
    pub(crate) fn spans_after(&self, after: Sequence) -> impl DoubleEndedIterator<Item = Span<'_>> {
        let first = self.segments.partition_point(|segment| segment.base() <= after.next()).saturating_sub(1);
        (first..self.segments.len()).map(move |at| self.span(at, after)).filter(|span| span.start < span.end)
    }

    fn span(&self, at: usize, after: Sequence) -> Span<'_> {
        let segment = &self.segments[at];
        let end = self.segments.get(at + 1).map_or(self.head.next(), |next| next.base());
        // A segment holds fewer records than bytes, of which there are fewer than 2^32.
        let ordinal = |sequence: Sequence| sequence.0.saturating_sub(segment.base().0) as u32;
        Span { segment, start: ordinal(after.next()), end: ordinal(end.min(self.head.next())) }
    }
}
