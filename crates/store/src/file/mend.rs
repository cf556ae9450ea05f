//! Mending: looks at a segment record by record after something in it could not be read.
//!
//! What comes of it is a segment whose index is right, and that knows its holes. It takes the place of the old one while reads go on.

use std::sync::Arc;

use tidings_core::{Sequence, StoreError};
use tokio::task::spawn_blocking;

use super::disk::Disk;
use super::fault::Fault;
use super::hash::KeyedHash;
use super::holes::{self, Holes};
use super::index::growing::GrowingIndex;
use super::keys::Keys;
use super::log::{Log, LogView, Span};
use super::names;
use super::read::records::Records;
use super::recover::{self, Recovery};
use super::segment::{IndexState, Segment};
use crate::limits::HOLES_TOLD_MAX;

/// Mends segments of a log, one at a time.
pub(crate) struct Mender {
    log: Arc<Log>,
    disk: Arc<dyn Disk>,
    #[expect(
        clippy::disallowed_types,
        reason = "held while a thread reads a segment, so that others wait for what comes of it"
    )]
    turn: tokio::sync::Mutex<()>,
}

impl Mender {
    #[expect(clippy::disallowed_types, reason = "see the field")]
    pub(crate) fn new(log: Arc<Log>, disk: Arc<dyn Disk>) -> Self {
        Self { log, disk, turn: tokio::sync::Mutex::default() }
    }

    /// Looks at the segment that begins with an event, unless another caller has just done so. Cancel safe: the work goes on to its end.
    #[expect(clippy::disallowed_methods, reason = "the reader waits for it, and it ends with its segment")]
    pub(crate) async fn mend(&self, base: Sequence) -> Result<(), StoreError> {
        let before = segment(&self.log.view(), base);
        let known = before.as_ref().map(|segment| segment.holes.now());
        let _turn = self.turn.lock().await;
        let now = segment(&self.log.view(), base);
        let (Some(before), Some(known), Some(now)) = (before, known, now) else { return Ok(()) };
        // The newest segment stays the same when its holes are found.
        if !Arc::ptr_eq(&before, &now) || !Arc::ptr_eq(&known, &now.holes.now()) {
            return Ok(());
        }
        let (log, disk) = (self.log.clone(), self.disk.clone());
        let mended = spawn_blocking(move || mend(&log, &*disk, &now)).await;
        Ok(mended.map_err(|_| StoreError::Unavailable("a look at its segments has panicked".into()))??)
    }
}

impl Mender {
    /// As [`mend`](Self::mend), for a thread outside of a runtime.
    pub(crate) fn mend_blocking(&self, base: Sequence) -> Result<(), Fault> {
        let _turn = self.turn.blocking_lock();
        segment(&self.log.view(), base).map_or(Ok(()), |segment| mend(&self.log, &*self.disk, &segment))
    }
}

#[cfg(test)]
impl Mender {
    /// As [`mend`](Self::mend), in a test without a runtime.
    pub(crate) fn mend_now(&self, base: Sequence) -> Result<(), Fault> {
        segment(&self.log.view(), base).map_or(Ok(()), |segment| mend(&self.log, &*self.disk, &segment))
    }
}

fn segment(view: &LogView, base: Sequence) -> Option<Arc<Segment>> {
    view.segments.iter().find(|segment| segment.base() == base).cloned()
}

fn mend(log: &Log, disk: &dyn Disk, segment: &Arc<Segment>) -> Result<(), Fault> {
    let view = log.view();
    let next = view.segments.iter().map(|segment| segment.base()).find(|base| *base > segment.base());
    match next {
        Some(next) => match recover::reindexed(disk, segment, next, log.hash, Recovery::Lenient) {
            Ok(mended) => {
                if !log.replace(Arc::new(mended)) {
                    // Retention was quicker. An index alone would be removed at the next start.
                    let _ = disk.remove(&names::index(segment.base()));
                }
            }
            Err(fault) if fault.missing_of().is_some() => {
                // The log lets a segment go before its file. One that is still part of the log was removed by somebody else.
                if self::segment(&log.view(), segment.base()).is_none() {
                    return Ok(());
                }
                tracing::error!(%fault, "the file of a segment is gone: somebody has removed it");
                log.replace(Arc::new(without_file(segment)));
            }
            Err(fault) => return Err(fault),
        },
        // The writer has it, with an index in memory.
        None => segment.holes.set(holes::ranges(unreadable(segment, view.head)?)),
    }
    tell(&log.view());
    Ok(())
}

/// A segment of which nothing is left but its place.
fn without_file(segment: &Segment) -> Segment {
    let (index, records) = (GrowingIndex::default(), segment.index().records());
    index.skip(records);
    Segment {
        header: segment.header,
        records: segment.records,
        file: segment.file.clone(),
        index_state: IndexState::Growing(Arc::new(index)),
        ended: segment.ended.clone(),
        holes: Holes::of(std::iter::once(0..records).collect()),
        doubts: segment.doubts.clone(),
        header_is_lost: segment.header_is_lost,
    }
}

/// Looks at the segment that begins with an event, in a thread that may wait for the disk.
pub(crate) fn mend_one(log: &Log, disk: &dyn Disk, base: Sequence) -> Result<(), Fault> {
    segment(&log.view(), base).map_or(Ok(()), |segment| mend(log, disk, &segment))
}

/// The records of the newest segment that cannot be read.
fn unreadable(segment: &Segment, head: Sequence) -> Result<Vec<u32>, Fault> {
    let end = u32::try_from(head.next().0.saturating_sub(segment.base().0)).unwrap_or(u32::MAX);
    let mut records = Records::new(Span { segment, start: 0, end });
    let mut unreadable = Vec::new();
    for ordinal in 0..end {
        match records.record(ordinal) {
            Err(Fault::Damaged { .. }) => unreadable.push(ordinal),
            record => _ = record?,
        }
    }
    Ok(unreadable)
}

/// The idempotency keys of all segments. An index that cannot be read is made anew.
pub(crate) fn keys(
    disk: &dyn Disk,
    segments: &mut [Arc<Segment>],
    hash: KeyedHash,
    recovery: Recovery,
) -> Result<Keys, Fault> {
    for _ in 0..segments.len() {
        let fault = match Keys::of(segments) {
            Err(fault @ Fault::Damaged { .. }) => fault,
            keys => return keys,
        };
        let Fault::Damaged { base, .. } = fault else { return Err(fault) };
        let at = segments.partition_point(|segment| segment.base() < base);
        let next = segments.get(at + 1).map(|next| next.base());
        let (Some(segment), Some(next)) = (segments.get_mut(at), next) else { return Err(fault) };
        tracing::warn!(%fault, "an index is made anew");
        *segment = Arc::new(recover::reindexed(disk, segment, next, hash, recovery)?);
    }
    Keys::of(segments)
}

/// Says which events cannot be read.
pub(crate) fn tell(view: &LogView) {
    let holes = holes::of_log(view);
    for hole in holes.iter().take(HOLES_TOLD_MAX) {
        let (first, last) = (hole.start().0, hole.end().0);
        tracing::warn!(
            first,
            last,
            "events of the log cannot be read; their readers hear of a gap, and the rest is served"
        );
    }
    if let Some(more) = holes.len().checked_sub(HOLES_TOLD_MAX).filter(|more| *more > 0) {
        tracing::warn!(more, "there are more such places in the log");
    }
}
