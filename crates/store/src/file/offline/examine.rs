//! A segment, read record by record, with all that is wrong in it.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock};

use tidings_core::{Epoch, Sequence, UnixMillis};

use super::finding::Damage;
use crate::file::disk::{Disk, DiskFile};
use crate::file::ended::Ended;
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::header::{FORMAT, SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::file::holes::Holes;
use crate::file::index::growing::GrowingIndex;
use crate::file::names;
use crate::file::record::kind::Kind;
use crate::file::record::number::u64_at;
use crate::file::record::v2::EPOCH_RECORD_BYTES;
use crate::file::record::{Flaw, RECORD_BYTES_MIN, RecordFormat};
use crate::file::scan::{self, Mark, is_blank, written_later};
use crate::file::segment::{IndexState, Segment};

/// A segment as it was found.
pub(super) struct Examined {
    /// With its index in memory, and with its holes.
    pub(super) segment: Segment,
    pub(super) index: Arc<GrowingIndex>,
    /// Where its last record ends, and the time of its last event.
    pub(super) ended: Ended,
    /// The event that would follow its last record.
    pub(super) next: Sequence,
    pub(super) damage: Vec<Damage>,
    /// Where bytes begin that a crash tore, or that are being written. Only the newest segment has them.
    pub(super) torn_at: Option<u64>,
    /// The events before it that somebody has declared to be lost.
    pub(super) declared: Option<RangeInclusive<Sequence>>,
}

/// What is known of a segment before it is read.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) base: Sequence,
    /// The first event of the next segment; none of the newest one.
    pub(super) next: Option<Sequence>,
    /// The event that the newest segment must reach, if `META` says so.
    pub(super) reaches: Option<Sequence>,
    /// The epoch and the time at the end of the segment before.
    pub(super) before: (Epoch, UnixMillis),
}

/// Reads a segment.
pub(super) fn examine(disk: &dyn Disk, known: Known, hash: &KeyedHash) -> Result<Examined, Fault> {
    let Known { base, next, reaches, before } = known;
    let name = names::log(base);
    let file = disk.open(&name).map_err(Fault::io(&name))?;
    let mut damage = Vec::new();
    let (header, header_is_lost) = match SegmentHeader::read(&*file, &name, base) {
        Ok(header) => (header, false),
        Err(fault @ Fault::Damaged { .. }) => {
            damage.push(Damage::of(fault));
            let (epoch, time_before) = before;
            (SegmentHeader { format: FORMAT, epoch, base, time_before, key_check: hash.check() }, true)
        }
        Err(fault) => return Err(fault),
    };
    header.refuse_another_log(&name, hash)?;
    let records = header.records(hash);
    let flaws = RefCell::new(Vec::new());
    let last = |stop: &Mark| {
        let last = match next {
            Some(next) => Some(next.previous()),
            None => newest_last(&*file, &name, records, stop, reaches)?,
        };
        if last.is_some() {
            flaws.borrow_mut().push(*stop);
        }
        Ok(last)
    };
    let limit = next.map_or(Sequence(u64::MAX), Sequence::previous);
    let scanned = scan::scan(&*file, &name, header, hash, limit, last)?;
    let whole = scanned.whole;
    let ended_at = scanned.stop;
    for flaw in flaws.into_inner() {
        // The last one of a segment that is whole is its end.
        if flaw.offset == ended_at.offset && next == Some(flaw.next) {
            continue;
        }
        let ordinal = (flaw.next.0 - base.0) as u32;
        let hole = scanned.holes.iter().find(|hole| hole.start == ordinal);
        let ends = match hole {
            Some(hole) => Sequence(base.0 + u64::from(hole.end)),
            None if flaw.offset == scanned.stop.offset => {
                next.unwrap_or_else(|| reaches.map_or(flaw.next, Sequence::next))
            }
            None => flaw.next,
        };
        let is_end = hole.is_none() && flaw.offset == scanned.file_bytes;
        if is_end && next.is_some() {
            // It is whole as far as it goes. The segment behind it tells whether what is between them was declared to be lost.
            continue;
        }
        let what = what_is_at(&*file, records, flaw.offset);
        let what = if is_end { "the log ends there, and had more events".to_owned() } else { what };
        damage.push(Damage::new(&*name, flaw.offset, what).losing(flaw.next, ends));
    }
    let is_blank_behind = is_blank(&*file, &name, whole.offset)?;
    let mut torn_at = None;
    if !is_blank_behind {
        match next {
            Some(next) if whole.next == next => {
                damage.push(Damage::new(&*name, whole.offset, "there are bytes behind the last record"));
            }
            Some(_) => {}
            None => torn_at = Some(whole.offset),
        }
    }
    let ended = Ended { end: whole.offset, last_time: whole.time };
    let index = Arc::new(scanned.index);
    let declared = declared(&*file, records, base);
    let segment = Segment {
        header,
        records,
        file,
        index_state: IndexState::Growing(index.clone()),
        ended: OnceLock::from(ended),
        holes: Holes::of(scanned.holes),
        doubts: scanned.doubts,
        header_is_lost,
    };
    Ok(Examined { segment, index, ended, next: whole.next, damage, torn_at, declared })
}

/// The last event that may stand behind a flaw of the newest segment. None if the flaw is where the log ends, be it torn by a crash or being
/// written.
fn newest_last(
    file: &dyn DiskFile,
    name: &str,
    records: RecordFormat,
    stop: &Mark,
    reaches: Option<Sequence>,
) -> Result<Option<Sequence>, Fault> {
    let is_expected = reaches.is_some_and(|event| event >= stop.next);
    if !is_expected && written_later(file, name, records, stop.offset, stop.next)?.is_none() {
        return Ok(None);
    }
    let bytes = file.len().map_err(Fault::io(name))?.saturating_sub(stop.offset);
    Ok(Some(Sequence(stop.next.0.saturating_add(bytes / RECORD_BYTES_MIN as u64))))
}

/// What is there instead of a record.
fn what_is_at(file: &dyn DiskFile, records: RecordFormat, offset: u64) -> String {
    let there = file.len().unwrap_or(0).saturating_sub(offset);
    let mut bytes = vec![0; records.header_bytes()];
    for _ in 0..2 {
        let read = match file.read_at(&mut bytes, offset) {
            Ok(read) => read,
            Err(error) => return error.to_string(),
        };
        match records.parse(&bytes[..read]) {
            // A length that is wrong must not make us take memory for it.
            Err(Flaw::Short(needed)) if needed > bytes.len() && needed as u64 <= there => {
                bytes.resize(needed, 0);
            }
            Err(flaw) => return flaw.what(),
            Ok(_) => return "it is not the record that follows".to_owned(),
        }
    }
    "the record ends early".to_owned()
}

/// The events before a segment that its first record declares to be lost.
fn declared(file: &dyn DiskFile, records: RecordFormat, base: Sequence) -> Option<RangeInclusive<Sequence>> {
    // It has as many bytes as one that begins an epoch: two numbers.
    let mut bytes = [0; EPOCH_RECORD_BYTES];
    let read = file.read_at(&mut bytes, SEGMENT_HEADER_BYTES).ok()?;
    let record = records.parse(&bytes[..read]).ok()?;
    if record.kind != Kind::Lost || record.data.len() != 16 {
        return None;
    }
    let (first, last) = (Sequence(u64_at(record.data, 0)), Sequence(u64_at(record.data, 8)));
    (first <= last && last == base.previous()).then_some(first..=last)
}
