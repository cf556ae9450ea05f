//! The log as the writer, the sealer and all readers share it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidings_core::{Bounds, Cursor, Epoch, EpochStatus, Line, Sequence};

use super::hash::KeyedHash;
use super::holes;
use super::segment::Segment;

/// The segments there are now. Readers take a [`LogView`]; nothing that happens later disturbs it.
pub(crate) struct Log {
    pub(crate) hash: KeyedHash,
    view: Mutex<LogView>,
}

/// The log at one moment.
#[derive(Clone)]
pub(crate) struct LogView {
    /// Oldest first; at least one. Files that were lost are missing.
    pub(crate) segments: Arc<Vec<Arc<Segment>>>,
    /// The last event that may be seen.
    pub(crate) head: Sequence,
    /// The epochs of the events that are held.
    pub(crate) line: Arc<Line>,
    /// Whether the newest epoch is that of this life. Until the first append, all epochs are over.
    pub(crate) is_begun: bool,
}

impl Log {
    /// A log as it was found.
    pub(crate) fn new(hash: KeyedHash, view: LogView) -> Self {
        Self { hash, view: Mutex::new(view) }
    }

    /// Lets readers see up to an event.
    pub(crate) fn show(&self, head: Sequence) {
        self.lock().head = head;
    }

    /// Begins the epoch of this life after the last event that was shown, and lets readers see up to an event.
    pub(crate) fn begin_epoch(&self, epoch: Epoch, head: Sequence) {
        let mut view = self.lock();
        let after = view.head;
        Arc::make_mut(&mut view.line).begin(epoch, after);
        view.is_begun = true;
        view.head = head;
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

    /// Takes the oldest segment out, never the newest, and the epochs of which no event is held.
    pub(crate) fn pop(&self) -> Option<Arc<Segment>> {
        let mut view = self.lock();
        if view.segments.len() == 1 {
            return None;
        }
        let popped = Arc::make_mut(&mut view.segments).remove(0);
        let floor = view.earliest().previous();
        Arc::make_mut(&mut view.line).forget_before(floor);
        Some(popped)
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
        match sequence >= self.head {
            true => Cursor::new(self.line.epoch(), sequence),
            false => self.line.place(sequence),
        }
    }

    /// What the log knows of an epoch.
    pub(crate) fn status_of(&self, epoch: Epoch) -> EpochStatus {
        match self.line.status_of(epoch) {
            EpochStatus::Current if !self.is_begun => EpochStatus::Ended { at: self.head },
            status => status,
        }
    }

    /// The records after a place that can be read, oldest first. A hole is before each but the first, and where they do not reach the
    /// head.
    pub(crate) fn readable_after(&self, after: Sequence) -> impl Iterator<Item = Span<'_>> {
        self.spans_after(after).flat_map(|span| {
            let parts = holes::between(span.start..span.end, &span.segment.holes.now());
            parts.into_iter().map(move |part| Span { start: part.start, end: part.end, ..span })
        })
    }

    /// The records after a place, oldest first, whether they can be read or not. Records that are not in any segment are left out.
    pub(crate) fn spans_after(&self, after: Sequence) -> impl DoubleEndedIterator<Item = Span<'_>> {
        let first = self.segments.partition_point(|segment| segment.base() <= after.next()).saturating_sub(1);
        (first..self.segments.len()).map(move |at| self.span(at, after)).filter(|span| span.start < span.end)
    }

    fn span(&self, at: usize, after: Sequence) -> Span<'_> {
        let segment = &self.segments[at];
        // The one that follows may not be the next one: files can be lost.
        let known = |next: &Arc<Segment>| {
            next.base().min(Sequence(segment.base().0 + u64::from(segment.index().records())))
        };
        let end = self.segments.get(at + 1).map_or(self.head.next(), known);
        // A segment holds fewer records than bytes, of which there are fewer than 2^32.
        let ordinal = |sequence: Sequence| {
            u32::try_from(sequence.0.saturating_sub(segment.base().0)).unwrap_or(u32::MAX)
        };
        Span { segment, start: ordinal(after.next()), end: ordinal(end.min(self.head.next())) }
    }
}
