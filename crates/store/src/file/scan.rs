//! Reads a segment from its beginning, record by record, and makes its index.

mod buffer;

use std::ops::Range;

use tidings_core::{Sequence, UnixMillis};

use self::buffer::{Found, ScanBuffer};
use super::disk::blocks::read_with_zeros;
use super::disk::{DiskFile, is_unreadable};
use super::fault::Fault;
use super::hash::KeyedHash;
use super::header::{SEGMENT_HEADER_BYTES, SegmentHeader};
use super::index::Index;
use super::index::growing::GrowingIndex;
use super::line::Doubt;
use super::record::kind::Kind;
use super::record::{Flaw, RECORD_BYTES_MIN, Record, RecordFormat};
use crate::limits::ZEROS_BYTES;

/// What a segment holds, up to the first byte that is no record.
pub(crate) struct Scanned {
    pub(crate) index: GrowingIndex,
    /// The end of the last append that is whole.
    pub(crate) whole: Mark,
    /// The end of the last record that is whole.
    pub(crate) stop: Mark,
    /// What is there instead of another record.
    pub(crate) flaw: Flaw,
    /// The time of the first event.
    pub(crate) first_time: Option<UnixMillis>,
    /// The records that cannot be read, by ordinal.
    pub(crate) holes: Vec<Range<u32>>,
    /// Where something stands that cannot be read and may have begun an epoch.
    pub(crate) doubts: Vec<Doubt>,
    /// Bytes of the file.
    pub(crate) file_bytes: u64,
}

/// A place between two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) offset: u64,
    /// The event that would follow.
    pub(crate) next: Sequence,
    /// The time of the event before.
    pub(crate) time: UnixMillis,
    /// The lag of the event before.
    pub(crate) lag: u32,
}

impl Mark {
    /// Whether a record may stand here.
    fn is_followed_by(&self, record: &Record<'_>) -> bool {
        let sequence = if record.kind.is_placed() { self.next } else { self.next.previous() };
        record.stamp.sequence == sequence && record.stamp.time >= self.time
    }

    /// The place behind a record that stands here.
    fn after(self, record: &Record<'_>) -> Self {
        let offset = self.offset + record.len as u64;
        let stamp = record.stamp;
        match record.kind.is_placed() {
            true => Self { offset, next: stamp.sequence.next(), time: stamp.time, lag: stamp.lag },
            false => Self { offset, time: stamp.time, ..self },
        }
    }
}

/// Scans a segment. At the first byte that is no record, `last` is asked for the last event that may come behind it: none ends the scan
/// there, and otherwise it goes on with the next record that there is. What the log wrote and this version does not know is corrupt, since no
/// crash can have made it. No event beyond `limit` is of the segment, nor an epoch that begins with one.
pub(crate) fn scan(
    file: &dyn DiskFile,
    name: &str,
    header: SegmentHeader,
    hash: &KeyedHash,
    limit: Sequence,
    mut last: impl FnMut(&Mark) -> Result<Option<Sequence>, Fault>,
) -> Result<Scanned, Fault> {
    let buffer = ScanBuffer::new(file, name, header.records(hash))?;
    let begin = Mark { offset: SEGMENT_HEADER_BYTES, next: header.base, time: header.time_before, lag: 0 };
    let index = GrowingIndex::default();
    let mut scan = Scan {
        buffer,
        hash,
        index,
        base: header.base,
        limit,
        whole: begin,
        stop: begin,
        first_time: None,
        holes: Vec::new(),
        doubts: Vec::new(),
    };
    loop {
        let flaw = scan.run()?;
        let Some(last) = last(&scan.stop)? else { return Ok(scan.finish(flaw)) };
        // What stands before events that were durable was durable, too, be it a part of an append.
        scan.whole = scan.stop;
        let found = scan.buffer.find(&scan.stop, last)?;
        if scan.stop.next <= last && !found.is_some_and(|found| found.is_alone) {
            scan.doubts.push(Doubt {
                ordinal: scan.ordinal(scan.stop.next),
                epochs_before: scan.index.epochs()?.len(),
            });
        }
        match found {
            Some(Found { offset, next, .. }) => scan.pass(offset, next),
            None => return Ok(scan.finish(flaw)),
        }
    }
}

/// A scan that is under way.
struct Scan<'a> {
    buffer: ScanBuffer<'a>,
    hash: &'a KeyedHash,
    index: GrowingIndex,
    base: Sequence,
    limit: Sequence,
    whole: Mark,
    stop: Mark,
    first_time: Option<UnixMillis>,
    holes: Vec<Range<u32>>,
    doubts: Vec<Doubt>,
}

impl Scan<'_> {
    /// Takes records up to a flaw.
    fn run(&mut self) -> Result<Flaw, Fault> {
        let name = self.buffer.name;
        loop {
            let (stop, records) = (self.stop, self.buffer.records);
            let record = match records.parse(self.buffer.at(stop.offset)?) {
                Ok(record) => record,
                Err(flaw) if flaw.is_foreign() => {
                    return Err(Fault::corrupt(name, stop.offset, flaw.what()));
                }
                Err(flaw) => return Ok(flaw),
            };
            if !stop.is_followed_by(&record) {
                return Ok(Flaw::Broken("it is not the record that follows"));
            }
            if stop.next > self.limit && (record.kind.is_placed() || record.kind == Kind::Epoch) {
                return Ok(Flaw::Broken("the next segment begins with this event"));
            }
            if let Err(flaw) = note(&self.index, stop.offset, &record, self.hash) {
                match flaw.is_foreign() {
                    true => return Err(Fault::corrupt(name, stop.offset, flaw.what())),
                    false => return Ok(flaw),
                }
            }
            self.stop = stop.after(&record);
            if record.kind.is_placed() {
                self.first_time.get_or_insert(record.stamp.time);
            }
            if !record.stamp.more {
                self.whole = self.stop;
            }
        }
    }

    /// Goes on with a record before which others are missing.
    fn pass(&mut self, offset: u64, next: Sequence) {
        let hole = self.ordinal(self.stop.next)..self.ordinal(next);
        // An empty one stands for a record without a place, such as one that begins an epoch.
        self.index.skip(hole.end - hole.start);
        self.holes.push(hole);
        self.stop = Mark { offset, next, ..self.stop };
        self.whole = self.stop;
    }

    fn ordinal(&self, sequence: Sequence) -> u32 {
        (sequence.0 - self.base.0) as u32
    }

    fn finish(self, flaw: Flaw) -> Scanned {
        let Self { buffer, index, base, whole, stop, first_time, mut holes, doubts, .. } = self;
        let records = (whole.next.0 - base.0) as u32;
        if whole != stop {
            index.truncate(records);
            holes.retain(|hole| hole.start < records);
        }
        let first_time = first_time.filter(|_| whole.next != base);
        Scanned { index, whole, stop, flaw, first_time, holes, doubts, file_bytes: buffer.file_bytes }
    }
}

/// Adds a record to the index.
fn note(index: &GrowingIndex, offset: u64, record: &Record<'_>, hash: &KeyedHash) -> Result<(), Flaw> {
    match record.kind {
        Kind::Event | Kind::State => {
            let pushed = index.push(offset as u32, record, hash);
            pushed.map_err(|_| Flaw::Broken("the record's topic is none"))
        }
        Kind::Epoch => {
            let (begins, ends) = record.epochs()?;
            index.begin_epoch(begins, ends);
            Ok(())
        }
        Kind::Create | Kind::Close | Kind::Delete | Kind::Erase => {
            index.pass(offset as u32);
            Ok(())
        }
        Kind::Lost => Ok(()),
    }
}

/// What space that was set aside looks like.
static ZEROS: [u8; ZEROS_BYTES] = [0; ZEROS_BYTES];

/// Whether nothing but zeros is in a file from an offset on.
pub(crate) fn is_blank(file: &dyn DiskFile, name: &str, from: u64) -> Result<bool, Fault> {
    let mut bytes = vec![0; ZEROS.len()];
    let mut offset = from;
    loop {
        let read = match file.read_at(&mut bytes, offset) {
            // Something may be there.
            Err(error) if is_unreadable(&error) => return Ok(false),
            read => read.map_err(Fault::io(name))?,
        };
        if bytes[..read] != ZEROS[..read] {
            return Ok(false);
        }
        if read < bytes.len() {
            return Ok(true);
        }
        offset += read as u64;
    }
}

/// The offset of a record after an offset that was written when `event` was durable already, if there is any.
pub(crate) fn written_later(
    file: &dyn DiskFile,
    name: &str,
    records: RecordFormat,
    from: u64,
    event: Sequence,
) -> Result<Option<u64>, Fault> {
    let end = file.len().map_err(Fault::io(name))?;
    let mut bytes = vec![0; usize::try_from(end.saturating_sub(from)).unwrap_or(0)];
    let read = read_with_zeros(file, &mut bytes, from).map_err(Fault::io(name))?;
    bytes.truncate(read);
    // No record is shorter than its header, so this many events can be after this one at most.
    let last = Sequence(event.0.saturating_add((bytes.len() / RECORD_BYTES_MIN) as u64));
    for at in 0..bytes.len().saturating_sub(records.header_bytes()) {
        // Nearly every offset ends here.
        let sequence = records.sequence(&bytes[at..]);
        if sequence <= event || sequence > last {
            continue;
        }
        let Ok(record) = records.parse(&bytes[at..]) else { continue };
        if record.stamp.sequence.0.saturating_sub(record.stamp.lag.into()) >= event.0 {
            return Ok(Some(from + at as u64));
        }
    }
    Ok(None)
}
