//! Recovery: from the files that a crash left to segments that can be trusted.
//!
//! A crash can tear what was being written, at the end of the newest segment, and nothing else. What is torn there
//! was never acknowledged and is cut off. Anything else is corruption, and is refused.

use std::sync::{Arc, OnceLock};

use tidings_core::{Sequence, UnixMillis};

use super::active::Active;
use super::disk::{Disk, DiskFile};
use super::ended::Ended;
use super::fault::Fault;
use super::hash::KeyedHash;
use super::header::{SEGMENT_HEADER_BYTES, SegmentHeader};
use super::index::build;
use super::index::sealed::SealedIndex;
use super::log::Span;
use super::names;
use super::read::records::Records;
use super::record::RecordFormat;
use super::scan::{Mark, Scanned, is_blank, scan, written_later};
use super::segment::{IndexState, Segment};

/// Opens a segment that another one follows.
pub(crate) fn ended(
    disk: &dyn Disk,
    base: Sequence,
    next: Sequence,
    hash: KeyedHash,
) -> Result<Segment, Fault> {
    let name = names::log(base);
    let file = disk.open(&name).map_err(Fault::io(&name))?;
    let header = SegmentHeader::read(&*file, &name, base)?;
    header.refuse_another_log(&name, &hash)?;
    let records = header.records(&hash);
    match SealedIndex::open(disk, base, header.format, hash) {
        Ok(index) if u64::from(index.records) == next.0 - base.0 => {
            let ended = OnceLock::from(index.ended);
            let segment =
                Segment { header, records, file, index_state: IndexState::Sealed(Box::new(index)), ended };
            if is_sound(&segment, next)? {
                return Ok(segment);
            }
            tracing::warn!(segment = name, "its index is of something else");
            reindexed(disk, segment, next, hash)
        }
        _ => {
            let index_state = IndexState::Growing(Arc::default());
            let segment = Segment { header, records, file, index_state, ended: OnceLock::new() };
            reindexed(disk, segment, next, hash)
        }
    }
}

/// Whether the index leads to the last record, and that is whole and ends where the segment does.
fn is_sound(segment: &Segment, next: Sequence) -> Result<bool, Fault> {
    let Some(last) = (next.0 - segment.base().0).checked_sub(1) else { return Ok(false) };
    let span = Span { segment, start: 0, end: last as u32 + 1 };
    let mut records = Records::new(span);
    let end = match records.end(last as u32) {
        Ok(end) => end,
        Err(Fault::Corrupt { .. }) => return Ok(false),
        Err(fault) => return Err(fault),
    };
    Ok(segment.ended.get().is_some_and(|ended| ended.end == end))
}

/// Makes the index of an ended segment anew.
fn reindexed(disk: &dyn Disk, segment: Segment, next: Sequence, hash: KeyedHash) -> Result<Segment, Fault> {
    let Segment { header, records, file, .. } = segment;
    let name = names::log(header.base);
    let scanned = scan(&*file, &name, header, &hash)?;
    if scanned.whole.next != next || !is_blank(&*file, &name, scanned.whole.offset)? {
        let what = format!("{}; the next segment begins with event {next}", scanned.flaw.what());
        return Err(Fault::corrupt(&name, scanned.stop.offset, what));
    }
    let ended = Ended { end: scanned.whole.offset, last_time: scanned.whole.time };
    let index_state = match build::write(disk, &header, ended, &scanned.index, &hash) {
        Ok(()) => IndexState::Sealed(Box::new(SealedIndex::open(disk, header.base, header.format, hash)?)),
        Err(error) => {
            tracing::warn!(%error, "an index could not be written, and stays in memory");
            IndexState::Growing(Arc::new(scanned.index))
        }
    };
    Ok(Segment { header, records, file, index_state, ended: OnceLock::from(ended) })
}

/// The newest segment as it was found, and made good.
pub(crate) struct Newest {
    pub(crate) active: Active,
    pub(crate) head: Sequence,
    pub(crate) last_time: UnixMillis,
}

/// What is known of the newest segment before it is read.
pub(crate) struct Expectation {
    /// The event that the log must reach, and what the last process did after it.
    pub(crate) reaches: Option<(Sequence, &'static str)>,
    /// Whether the store was closed, everything durable, after that event.
    pub(crate) is_closed: bool,
    pub(crate) segment_bytes: u64,
}

/// Opens the newest segment, cuts off what a crash tore, and makes the rest durable. `check` looks at the segment before
/// anything is changed: what is refused stays as it is.
pub(crate) fn newest<T>(
    disk: &dyn Disk,
    base: Sequence,
    expected: &Expectation,
    hash: KeyedHash,
    check: impl FnOnce(&Segment) -> Result<T, Fault>,
) -> Result<(Newest, T), Fault> {
    let name = names::log(base);
    let file = disk.open(&name).map_err(Fault::io(&name))?;
    let header = SegmentHeader::read(&*file, &name, base)?;
    header.refuse_another_log(&name, &hash)?;
    let records = header.records(&hash);
    let scanned = scan(&*file, &name, header, &hash)?;
    let head = scanned.whole.next.previous();
    if let Some((event, then)) = expected.reaches.filter(|(event, _)| *event > head) {
        let what = format!("{}; {then} after event {event}", scanned.flaw.what());
        return Err(Fault::corrupt(&name, scanned.stop.offset, what));
    }
    let blank = is_blank(&*file, &name, scanned.whole.offset)?;
    if !blank {
        refuse_corruption(&*file, &name, records, &scanned)?;
    }

    let Scanned { index, whole, first_time, file_bytes, .. } = scanned;
    let index = Arc::new(index);
    let index_state = IndexState::Growing(index.clone());
    let segment = Arc::new(Segment { header, records, file, index_state, ended: OnceLock::new() });
    let checked = check(&segment)?;
    note_successor(disk, &header, head, hash);
    if head < base && !expected.is_closed {
        tracing::warn!(
            segment = name,
            "the newest segment has no event, and the log was not closed: if it had any, they are gone, and their readers \
             hear of a gap"
        );
    }
    let written = whole.offset;
    let mut active = Active { segment, index, end: whole.offset, allocated: file_bytes, first_time, written };
    if !blank {
        tracing::warn!(segment = name, offset = whole.offset, "cut off what a crash tore");
        active.cut()?;
    }
    let missing = expected.segment_bytes.saturating_sub(active.allocated);
    if !active.is_old() {
        // Without space the segment is full as it is; publishers will be told.
        let _ = active.extend(active.room() + missing);
    }
    let was_closed_here = expected.is_closed && expected.reaches.is_some_and(|(event, _)| event == head);
    if !was_closed_here {
        make_durable(&active, &whole)?;
        // The last process may have made the segment, and died before its name was durable.
        disk.sync_dir().map_err(Fault::io(&name))?;
    }
    Ok((Newest { active, head, last_time: whole.time }, checked))
}

/// Says so if another segment has followed the newest one that is there: only then does a segment get an index.
fn note_successor(disk: &dyn Disk, header: &SegmentHeader, head: Sequence, hash: KeyedHash) {
    let Ok(index) = SealedIndex::open(disk, header.base, header.format, hash) else { return };
    let next = Sequence(header.base.0 + u64::from(index.records));
    let missing = names::log(next);
    tracing::error!(
        missing,
        "a segment is missing at the end of the log, which goes on after event {head}: the events after it are gone; their \
         readers hear of a gap"
    );
    // It is made anew when the segment ends again.
    let _ = disk.remove(&names::index(header.base));
}

/// Refuses a flaw that no crash can have made: something was written after it when it was durable.
fn refuse_corruption(
    file: &dyn DiskFile,
    name: &str,
    records: RecordFormat,
    scanned: &Scanned,
) -> Result<(), Fault> {
    let Mark { offset, next, .. } = scanned.stop;
    let Some(later) = written_later(file, name, records, offset, next)? else { return Ok(()) };
    let what =
        format!("{}, yet it was durable when the record at byte {later} was written", scanned.flaw.what());
    Err(Fault::corrupt(name, offset, what))
}

/// Writes again, and syncs, all that the last process may not have synced. A sync alone is not enough: if that
/// process had seen one fail, the system may hold bytes that it believes to be on the disk.
fn make_durable(active: &Active, whole: &Mark) -> Result<(), Fault> {
    let segment = &active.segment;
    let name = segment.name();
    let records = (whole.next.0 - segment.base().0) as u32;
    // From the record before them on: between it and them may stand one without a place of its own.
    let from = match records.saturating_sub(whole.lag).checked_sub(1) {
        Some(before) => segment.index().offsets(before..records)?.first().copied().map(u64::from),
        None => Some(SEGMENT_HEADER_BYTES),
    };
    let from = from.unwrap_or(active.end);
    let rewrite = || {
        let mut bytes = vec![0; usize::try_from(active.end - from).unwrap_or(0)];
        segment.file.read_at(&mut bytes, from)?;
        segment.file.write_at(&bytes, from)?;
        segment.file.sync_data()
    };
    rewrite().map_err(Fault::io(&name))
}
