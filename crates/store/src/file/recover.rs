//! Recovery: from the files that a crash left to segments that can be trusted.
//!
//! A crash can tear what was being written, at the end of the newest segment, and nothing else. What is torn there
//! was never acknowledged and is cut off. Anything else is corruption, and is refused.

use std::sync::{Arc, OnceLock};

use tidings_core::{Epoch, Sequence, UnixMillis};

use super::active::Active;
use super::disk::{Disk, DiskFile, is_unreadable};
use super::ended::Ended;
use super::fault::Fault;
use super::hash::KeyedHash;
use super::header::{FORMAT, SEGMENT_HEADER_BYTES, SegmentHeader};
use super::holes::Holes;
use super::index::sealed::SealedIndex;
use super::index::{Index, build};
use super::log::Span;
use super::names;
use super::read::records::Records;
use super::record::{RECORD_BYTES_MIN, RecordFormat};
use super::scan::{Mark, Scanned, is_blank, scan, written_later};
use super::segment::{IndexState, Segment};
use crate::limits::SEQUENCE_MAX;

/// Of a segment that no other one follows.
const NO_LIMIT: Sequence = Sequence(u64::MAX);

/// How much of a log that is not as it was written is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// What can be read. The rest are holes.
    Lenient,
    /// All or nothing: a hole is refused.
    Strict,
}

/// Opens a segment that another one follows. `before` is the header of the one before it.
pub(crate) fn ended(
    disk: &dyn Disk,
    (base, next): (Sequence, Sequence),
    hash: KeyedHash,
    recovery: Recovery,
    before: Option<&Segment>,
) -> Result<Segment, Fault> {
    let name = names::log(base);
    let file = disk.open_ended(&name).map_err(Fault::io(&name))?;
    let (header, header_is_lost) = header_of(&*file, base, &hash, recovery, before)?;
    let records = header.records(&hash);
    let index = match SealedIndex::open(disk, base, header.format, hash) {
        // A reading of the whole segment cannot mend these.
        Err(fault @ Fault::Io { .. }) if !fault.is_missing() => return Err(fault),
        // The epochs are read at every start.
        index => {
            index.ok().filter(|index| u64::from(index.records) <= next.0 - base.0 && index.epochs().is_ok())
        }
    };
    let (index_state, known) = match index {
        Some(index) => {
            let ended = index.ended;
            (IndexState::Sealed(Box::new(index)), OnceLock::from(ended))
        }
        None => (IndexState::Growing(Arc::default()), OnceLock::new()),
    };
    let segment = Segment {
        header,
        records,
        file,
        index_state,
        ended: known,
        holes: Holes::default(),
        doubts: Vec::new(),
        header_is_lost,
    };
    let is_indexed = matches!(segment.index_state, IndexState::Sealed(_));
    if is_indexed && is_sound(&segment, next, recovery)? {
        return Ok(segment);
    }
    if is_indexed {
        tracing::warn!(segment = name, "its index is of something else");
    }
    reindexed(disk, &segment, next, hash, recovery)
}

/// The header of a segment. One that is damaged is made up from what the log says of it otherwise, unless all must be as it was written.
fn header_of(
    file: &dyn DiskFile,
    base: Sequence,
    hash: &KeyedHash,
    recovery: Recovery,
    before: Option<&Segment>,
) -> Result<(SegmentHeader, bool), Fault> {
    let name = names::log(base);
    match SegmentHeader::read(file, &name, base) {
        Ok(header) => header.refuse_another_log(&name, hash).map(|()| (header, false)),
        Err(Fault::Damaged { file, offset, what, .. }) if base.0 > SEQUENCE_MAX => {
            Err(Fault::Corrupt { file, offset, what })
        }
        Err(fault @ Fault::Damaged { .. }) if recovery == Recovery::Lenient => {
            tracing::warn!(%fault, "the header of a segment is damaged, and the segment is read without it");
            let epoch = before.map_or(Epoch(0), |before| before.header.epoch);
            let last_time = |before: &Segment| {
                before.ended.get().map_or(before.header.time_before, |ended| ended.last_time)
            };
            let time_before = before.map_or(UnixMillis::default(), last_time);
            Ok((SegmentHeader { format: FORMAT, epoch, base, time_before, key_check: hash.check() }, true))
        }
        Err(fault) => Err(fault),
    }
}

/// Whether the index leads to the last record, and that is whole and ends where the segment does. In strict recovery the next segment must
/// begin there, too.
fn is_sound(segment: &Segment, next: Sequence, recovery: Recovery) -> Result<bool, Fault> {
    let records = segment.index().records();
    if recovery == Recovery::Strict && u64::from(records) != next.0 - segment.base().0 {
        return Ok(false);
    }
    let Some(last) = records.checked_sub(1) else { return Ok(false) };
    let is_short = u64::from(records) < next.0 - segment.base().0;
    let ended = segment.ended.get().map(|ended| ended.end);
    // An index that was left from before may not know all that the segment has.
    if is_short && ended != Some(segment.file.len().map_err(Fault::io(&segment.name()))?) {
        return Ok(false);
    }
    let span = Span { segment, start: 0, end: records };
    match Records::new(span).end(last) {
        Ok(end) => Ok(segment.ended.get().is_some_and(|ended| ended.end == end)),
        Err(Fault::Damaged { .. }) => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Makes the index of an ended segment anew. One with holes stays in memory.
pub(crate) fn reindexed(
    disk: &dyn Disk,
    segment: &Segment,
    next: Sequence,
    hash: KeyedHash,
    recovery: Recovery,
) -> Result<Segment, Fault> {
    let Segment { header, records, header_is_lost, .. } = *segment;
    let (name, file) = (names::log(header.base), segment.file.clone());
    let last = (recovery == Recovery::Lenient).then(|| next.previous());
    let scanned = scan(&*file, &name, header, &hash, last.unwrap_or(NO_LIMIT), |_| Ok(last))?;
    let is_whole = scanned.whole.next == next && is_blank(&*file, &name, scanned.whole.offset)?;
    if !is_whole && (recovery == Recovery::Strict || scanned.whole.next > next) {
        let what = format!("{}; the next segment begins with event {next}", scanned.flaw.what());
        return Err(Fault::corrupt(&name, scanned.stop.offset, what));
    }
    let ended = OnceLock::from(Ended { end: scanned.whole.offset, last_time: scanned.whole.time });
    let sealed = || {
        build::write(disk, &header, *ended.get()?, &scanned.index, &hash)
            .and_then(|()| SealedIndex::open(disk, header.base, header.format, hash))
            .inspect_err(|error| tracing::warn!(%error, "an index could not be written, and stays in memory"))
            .ok()
    };
    let sealed = if is_whole && scanned.holes.is_empty() && scanned.doubts.is_empty() && !header_is_lost {
        sealed()
    } else {
        None
    };
    let index_state = match sealed {
        Some(index) => IndexState::Sealed(Box::new(index)),
        None => IndexState::Growing(Arc::new(scanned.index)),
    };
    Ok(Segment {
        header,
        records,
        file,
        index_state,
        ended,
        holes: Holes::of(scanned.holes),
        doubts: scanned.doubts,
        header_is_lost,
    })
}

/// The newest segment as it was found, and made good.
pub(crate) struct Newest {
    pub(crate) active: Active,
    pub(crate) head: Sequence,
    pub(crate) last_time: UnixMillis,
    /// The last event that the log had, if a part of the segment cannot be read. The segment takes no more records then.
    pub(crate) lost_through: Option<Sequence>,
}

/// What is known of the newest segment before it is read.
pub(crate) struct Expectation {
    /// The event that the log must reach, and what the last process did after it.
    pub(crate) reaches: Option<(Sequence, &'static str)>,
    /// Whether the store was closed, everything durable, after that event.
    pub(crate) is_closed: bool,
    pub(crate) segment_bytes: u64,
    pub(crate) recovery: Recovery,
}

/// Opens the newest segment, cuts off what a crash tore, and makes the rest durable. `check` looks at the segment before
/// anything is changed: what is refused stays as it is.
pub(crate) fn newest<T>(
    disk: &dyn Disk,
    base: Sequence,
    expected: &Expectation,
    hash: KeyedHash,
    before: Option<&Segment>,
    check: impl FnOnce(&Segment) -> Result<T, Fault>,
) -> Result<(Newest, T), Fault> {
    let name = names::log(base);
    let file = disk.open(&name).map_err(Fault::io(&name))?;
    let (header, header_is_lost) = header_of(&*file, base, &hash, expected.recovery, before)?;
    let records = header.records(&hash);
    let is_lenient = expected.recovery == Recovery::Lenient;
    let scanned = match is_lenient {
        true => scan(&*file, &name, header, &hash, NO_LIMIT, last_durable(&*file, &name, records, expected))?,
        false => scan(&*file, &name, header, &hash, NO_LIMIT, |_| Ok(None))?,
    };
    let head = scanned.whole.next.previous();
    let lost = expected.reaches.filter(|(event, _)| *event > head);
    if let Some((event, then)) = lost.filter(|_| !is_lenient) {
        let what = format!("{}; {then} after event {event}", scanned.flaw.what());
        return Err(Fault::corrupt(&name, scanned.stop.offset, what));
    }
    let lost_through = lost.map(|(event, _)| event);
    let blank = is_blank(&*file, &name, scanned.whole.offset)?;
    if !blank && lost.is_none() {
        refuse_corruption(&*file, &name, records, &scanned)?;
    }

    let Scanned { index, whole, first_time, file_bytes, holes, doubts, .. } = scanned;
    let index = Arc::new(index);
    let index_state = IndexState::Growing(index.clone());
    let (ended, holes) = (OnceLock::new(), Holes::of(holes));
    let segment =
        Arc::new(Segment { header, records, file, index_state, ended, holes, doubts, header_is_lost });
    let checked = check(&segment)?;
    note_successor(disk, &header, head, hash)?;
    if head < base && !expected.is_closed {
        tracing::warn!(
            segment = name,
            "the newest segment has no event, and the log was not closed: if it had any, they are gone, and their readers \
             hear of a gap"
        );
    }
    let written = whole.offset;
    let mut active = Active { segment, index, end: whole.offset, allocated: file_bytes, first_time, written };
    if lost_through.is_some() || (header_is_lost && head < base) {
        // Something was written, and nothing of it can be read: one event at least is lost.
        let last_known = if blank { head } else { base };
        let lost_through = lost_through.unwrap_or(last_known);
        active.allocated = active.end;
        return Ok((
            Newest { active, head, last_time: whole.time, lost_through: Some(lost_through) },
            checked,
        ));
    }
    if !blank {
        tracing::warn!(segment = name, offset = whole.offset, "cut off what a crash tore");
        active.cut()?;
    }
    let missing = expected.segment_bytes.saturating_sub(active.allocated);
    if !active.is_old() && !header_is_lost {
        // Without space the segment is full as it is; publishers will be told.
        let _ = active.extend(active.room() + missing);
    }
    let was_closed_here = expected.is_closed && expected.reaches.is_some_and(|(event, _)| event == head);
    if !was_closed_here {
        make_durable(&active, &whole)?;
        // The last process may have made the segment, and died before its name was durable.
        disk.sync_dir().map_err(Fault::io(&name))?;
    }
    // The next start must not take a hole for what a crash tore: only the newest segment can have been torn.
    let has_holes =
        header_is_lost || !active.segment.holes.now().is_empty() || !active.segment.doubts.is_empty();
    let lost_through = has_holes.then_some(head);
    Ok((Newest { active, head, last_time: whole.time, lost_through }, checked))
}

/// Answers at each flaw of the newest segment, in order, the last event that may stand behind it, if events behind it were durable. What a crash
/// tore was not.
pub(crate) fn last_durable<'a>(
    file: &'a dyn DiskFile,
    name: &'a str,
    records: RecordFormat,
    expected: &'a Expectation,
) -> impl FnMut(&Mark) -> Result<Option<Sequence>, Fault> + 'a {
    // Up to where a record is known that says so: the search reads all that is left of the file.
    let mut known_before = 0;
    move |stop| {
        let is_expected = expected.reaches.is_some_and(|(event, _)| event >= stop.next);
        if !is_expected && stop.offset >= known_before {
            match written_later(file, name, records, stop.offset, stop.next)? {
                Some(at) => known_before = at,
                None => return Ok(None),
            }
        }
        let bytes = file.len().map_err(Fault::io(name))?.saturating_sub(stop.offset);
        let last = stop.next.0.saturating_add(bytes / RECORD_BYTES_MIN as u64);
        Ok(Some(Sequence(last.min(SEQUENCE_MAX))))
    }
}

/// Says so if another segment has followed the newest one that is there: only then does a segment get an index.
fn note_successor(
    disk: &dyn Disk,
    header: &SegmentHeader,
    head: Sequence,
    hash: KeyedHash,
) -> Result<(), Fault> {
    let index = match SealedIndex::open(disk, header.base, header.format, hash) {
        Ok(index) => index,
        // One that is there and cannot be opened now may say so the next time.
        Err(fault @ Fault::Io { .. }) if !fault.is_missing() => return Err(fault),
        Err(_) => return Ok(()),
    };
    let next = Sequence(header.base.0 + u64::from(index.records));
    let missing = names::log(next);
    tracing::error!(
        missing,
        "a segment is missing at the end of the log, which goes on after event {head}: the events after it are gone; their \
         readers hear of a gap"
    );
    // It is made anew when the segment ends again.
    let _ = disk.remove(&names::index(header.base));
    Ok(())
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
    // A record that cannot be read has no place. Then all is written again.
    let from = from.unwrap_or(active.end).max(SEGMENT_HEADER_BYTES);
    let rewrite = || {
        let mut bytes = vec![0; usize::try_from(active.end - from).unwrap_or(0)];
        match segment.file.read_at(&mut bytes, from) {
            // What cannot be read is not written over, and neither is what is beside it.
            Err(error) if is_unreadable(&error) => {}
            read => {
                read?;
                segment.file.write_at(&bytes, from)?;
            }
        }
        segment.file.sync_data()
    };
    rewrite().map_err(Fault::io(&name))
}
