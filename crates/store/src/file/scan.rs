//! Reads a segment from its beginning, record by record, and makes its index.

use tidings_core::{Sequence, UnixMillis};

use super::disk::DiskFile;
use super::fault::Fault;
use super::hash::KeyedHash;
use super::header::{SEGMENT_HEADER_BYTES, SegmentHeader};
use super::index::growing::GrowingIndex;
use super::record::{self, Flaw, HEADER_BYTES, Record};
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

/// Scans a segment.
pub(crate) fn scan(
    file: &dyn DiskFile,
    name: &str,
    header: SegmentHeader,
    hash: &KeyedHash,
) -> Result<Scanned, Fault> {
    let file_bytes = file.len().map_err(Fault::io(name))?;
    let mut buffer = ScanBuffer { file, name, file_bytes, offset: 0, bytes: Vec::new() };
    let index = GrowingIndex::default();
    let mut stop = Mark { offset: SEGMENT_HEADER_BYTES, next: header.base, time: header.time_before, lag: 0 };
    let (mut whole, mut first_time) = (stop, None);
    let flaw = loop {
        let record = match Record::parse(buffer.at(stop.offset)?) {
            Ok(record) => record,
            Err(flaw) => break flaw,
        };
        if record.stamp.sequence != stop.next || record.stamp.time < stop.time {
            break Flaw::Broken("it is not the event that follows");
        }
        if index.push(stop.offset as u32, &record, hash).is_err() {
            break Flaw::Broken("the record's topic is none");
        }
        let stamp = record.stamp;
        first_time.get_or_insert(stamp.time);
        stop = Mark {
            offset: stop.offset + record.len as u64,
            next: stamp.sequence.next(),
            time: stamp.time,
            lag: stamp.lag,
        };
        if !stamp.more {
            whole = stop;
        }
    };
    if whole != stop {
        index.truncate((whole.next.0 - header.base.0) as u32);
    }
    let first_time = first_time.filter(|_| whole.next != header.base);
    Ok(Scanned { index, whole, stop, flaw, first_time, file_bytes })
}

/// The file, a piece at a time.
struct ScanBuffer<'a> {
    file: &'a dyn DiskFile,
    name: &'a str,
    file_bytes: u64,
    offset: u64,
    bytes: Vec<u8>,
}

impl ScanBuffer<'_> {
    /// The bytes from an offset on, with the whole of the record there if the file has it.
    fn at(&mut self, offset: u64) -> Result<&[u8], Fault> {
        let missing = match Record::parse(self.rest(offset)) {
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
    from: u64,
    event: Sequence,
) -> Result<Option<u64>, Fault> {
    let end = file.len().map_err(Fault::io(name))?;
    let mut bytes = vec![0; usize::try_from(end.saturating_sub(from)).unwrap_or(0)];
    let read = file.read_at(&mut bytes, from).map_err(Fault::io(name))?;
    bytes.truncate(read);
    // Records are longer than their header, so this many events can be after this one at most.
    let last = Sequence(event.0 + (bytes.len() / HEADER_BYTES) as u64);
    for at in 0..bytes.len().saturating_sub(HEADER_BYTES) {
        // Nearly every offset ends here.
        if !(event.next()..=last).contains(&record::sequence(&bytes[at..])) {
            continue;
        }
        let Ok(record) = Record::parse(&bytes[at..]) else { continue };
        if record.stamp.sequence.0.saturating_sub(record.stamp.lag.into()) >= event.0 {
            return Ok(Some(from + at as u64));
        }
    }
    Ok(None)
}
