//! Reads a segment from its beginning, record by record, and makes its index.

use tidings_core::{Sequence, UnixMillis};

use super::disk::DiskFile;
use super::fault::Fault;
use super::hash::KeyedHash;
use super::header::{SEGMENT_HEADER_BYTES, SegmentHeader};
use super::index::growing::GrowingIndex;
use super::record::kind::Kind;
use super::record::{Flaw, RECORD_BYTES_MIN, Record, RecordFormat};
use crate::limits::{SCAN_READ_BYTES, ZEROS_BYTES};

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

/// Scans a segment. What the log wrote and this version does not know is corrupt, since no crash can have made it.
pub(crate) fn scan(
    file: &dyn DiskFile,
    name: &str,
    header: SegmentHeader,
    hash: &KeyedHash,
) -> Result<Scanned, Fault> {
    let file_bytes = file.len().map_err(Fault::io(name))?;
    let records = header.records(hash);
    let mut buffer = ScanBuffer { file, name, records, file_bytes, offset: 0, bytes: Vec::new() };
    let index = GrowingIndex::default();
    let mut stop = Mark { offset: SEGMENT_HEADER_BYTES, next: header.base, time: header.time_before, lag: 0 };
    let (mut whole, mut first_time) = (stop, None);
    let flaw = loop {
        let record = match records.parse(buffer.at(stop.offset)?) {
            Ok(record) => record,
            Err(flaw) if flaw.is_foreign() => return Err(Fault::corrupt(name, stop.offset, flaw.what())),
            Err(flaw) => break flaw,
        };
        if !stop.is_followed_by(&record) {
            break Flaw::Broken("it is not the record that follows");
        }
        if let Err(flaw) = note(&index, stop.offset, &record, hash) {
            if flaw.is_foreign() {
                return Err(Fault::corrupt(name, stop.offset, flaw.what()));
            }
            break flaw;
        }
        stop = stop.after(&record);
        if record.kind.is_placed() {
            first_time.get_or_insert(record.stamp.time);
        }
        if !record.stamp.more {
            whole = stop;
        }
    };
    if whole != stop {
        index.truncate((whole.next.0 - header.base.0) as u32);
    }
    let first_time = first_time.filter(|_| whole.next != header.base);
    Ok(Scanned { index, whole, stop, flaw, first_time, file_bytes })
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
        Kind::Former => Ok(()),
    }
}

/// The file, a piece at a time.
struct ScanBuffer<'a> {
    file: &'a dyn DiskFile,
    name: &'a str,
    records: RecordFormat,
    file_bytes: u64,
    offset: u64,
    bytes: Vec<u8>,
}

impl ScanBuffer<'_> {
    /// The bytes from an offset on, with the whole of the record there if the file has it.
    fn at(&mut self, offset: u64) -> Result<&[u8], Fault> {
        let missing = match self.records.parse(self.rest(offset)) {
            Err(Flaw::Short(needed)) => needed,
            _ => 0,
        };
        let there = self.file_bytes.saturating_sub(offset);
        // A length that is wrong must not make us take memory for it.
        if missing > self.rest(offset).len() && self.rest(offset).len() as u64 != there {
            let bytes = (missing.max(SCAN_READ_BYTES) as u64).min(there) as usize;
            self.bytes.resize(bytes, 0);
            let read = self.file.read_at(&mut self.bytes, offset).map_err(Fault::io(self.name))?;
            self.bytes.truncate(read);
            self.offset = offset;
        }
        Ok(self.rest(offset))
    }

    fn rest(&self, offset: u64) -> &[u8] {
        let at = offset.checked_sub(self.offset).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.bytes.get(at..)).unwrap_or_default()
    }
}

/// What space that was set aside looks like.
static ZEROS: [u8; ZEROS_BYTES] = [0; ZEROS_BYTES];

/// Whether nothing but zeros is in a file from an offset on.
pub(crate) fn is_blank(file: &dyn DiskFile, name: &str, from: u64) -> Result<bool, Fault> {
    let mut bytes = vec![0; ZEROS.len()];
    let mut offset = from;
    loop {
        let read = file.read_at(&mut bytes, offset).map_err(Fault::io(name))?;
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
    let read = file.read_at(&mut bytes, from).map_err(Fault::io(name))?;
    bytes.truncate(read);
    // No record is shorter than its header, so this many events can be after this one at most.
    let last = Sequence(event.0 + (bytes.len() / RECORD_BYTES_MIN) as u64);
    for at in 0..bytes.len().saturating_sub(records.header_bytes()) {
        // Nearly every offset ends here.
        if !(event.next()..=last).contains(&records.sequence(&bytes[at..])) {
            continue;
        }
        let Ok(record) = records.parse(&bytes[at..]) else { continue };
        if record.stamp.sequence.0.saturating_sub(record.stamp.lag.into()) >= event.0 {
            return Ok(Some(from + at as u64));
        }
    }
    Ok(None)
}
