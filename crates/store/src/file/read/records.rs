//! Reads the records of a segment by ordinal, a piece of the file at a time.

use tidings_core::{Event, Line, Topic};

use crate::file::disk::DiskFile;
use crate::file::disk::blocks::read_before_unreadable;
use crate::file::fault::Fault;
use crate::file::log::Span;
use crate::file::record::{Flaw, Record};
use crate::file::segment::Segment;
use crate::limits::{
    BYTES_PER_UNIT, FILE_READ_UNITS, INDEX_READ_UNITS, OFFSETS_AHEAD, READ_ALONE_BYTES, READ_IN_A_ROW_BYTES,
};

/// Reads records, best in order.
pub(crate) struct Records<'a> {
    span: Span<'a>,
    /// The segment's file, perhaps opened once more.
    file: &'a dyn DiskFile,
    /// Offsets of records from this ordinal on.
    offsets: (u32, Vec<u32>),
    /// Bytes of the file from this offset on.
    bytes: (u64, Vec<u8>),
    /// Units of work that were not taken yet.
    units: u64,
}

impl<'a> Records<'a> {
    pub(crate) fn new(span: Span<'a>) -> Self {
        Self { span, file: &*span.segment.file, offsets: (0, Vec::new()), bytes: (0, Vec::new()), units: 0 }
    }

    /// Reads through another descriptor of the same file.
    pub(crate) fn reading(self, file: &'a dyn DiskFile) -> Self {
        Self { file, ..self }
    }

    /// The work since this was asked last.
    pub(crate) fn take_units(&mut self) -> u64 {
        std::mem::take(&mut self.units)
    }

    /// A record of the span.
    pub(crate) fn record(&mut self, ordinal: u32) -> Result<Record<'_>, Fault> {
        self.units += 1;
        let offset = self.offset(ordinal)?;
        let sequence = self.span.sequence(ordinal);
        let segment = self.span.segment;
        let len = self.fill(offset)?;
        let start = (offset - self.bytes.0) as usize;
        match segment.records.parse(&self.bytes.1[start..start + len]) {
            Ok(record) if record.stamp.sequence == sequence => Ok(record),
            Ok(record) => {
                let found = record.stamp.sequence;
                Err(broken(segment, offset, &format!("event {found} stands where {sequence} should be")))
            }
            Err(flaw) => Err(broken(segment, offset, &flaw.what())),
        }
    }

    /// The event in a record of the span.
    pub(crate) fn event(&mut self, ordinal: u32, line: &Line) -> Result<Event, Fault> {
        let segment = self.span.segment;
        let record = self.record(ordinal)?;
        let topic =
            Topic::parse_held(record.topic).map_err(|_| broken(segment, 0, "a record's topic is none"))?;
        let epoch = line.place(record.stamp.sequence).epoch;
        record.to_event(topic, epoch).map_err(|flaw| broken(segment, 0, &flaw.what()))
    }

    /// Where a record of the span ends.
    pub(crate) fn end(&mut self, ordinal: u32) -> Result<u64, Fault> {
        let offset = self.offset(ordinal)?;
        Ok(offset + self.record(ordinal)?.len as u64)
    }

    fn offset(&mut self, ordinal: u32) -> Result<u64, Fault> {
        let known = ordinal.checked_sub(self.offsets.0).and_then(|at| self.offsets.1.get(at as usize));
        if let Some(offset) = known {
            return Ok((*offset).into());
        }
        self.units += INDEX_READ_UNITS;
        let end = self.span.end.min(ordinal.saturating_add(OFFSETS_AHEAD));
        self.offsets = (ordinal, self.span.segment.index().offsets(ordinal..end)?);
        let offset = self.offsets.1.first().copied().map(u64::from);
        let base = self.span.segment.base();
        offset.ok_or_else(|| Fault::damaged_index(base, 0, format!("it does not know record {ordinal}")))
    }

    /// Makes sure that the whole record at an offset is in the buffer, if it is whole in the file; returns the
    /// bytes there are of it.
    fn fill(&mut self, offset: u64) -> Result<usize, Fault> {
        if let Some(len) = self.whole(offset) {
            return Ok(len);
        }
        let end = self.bytes.0 + self.bytes.1.len() as u64;
        let in_a_row = (self.bytes.0..=end).contains(&offset) && !self.bytes.1.is_empty();
        self.load(offset, if in_a_row { READ_IN_A_ROW_BYTES } else { READ_ALONE_BYTES })?;
        match self.span.segment.records.parse(&self.bytes.1) {
            Err(Flaw::Short(needed)) if needed > self.bytes.1.len() => {
                // A length that is wrong must not make us take memory for it.
                let segment = self.span.segment;
                let file_bytes = segment.file.len().map_err(Fault::io(&segment.name()))?;
                let there = usize::try_from(file_bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
                self.load(offset, needed.min(there))?;
            }
            _ => {}
        }
        Ok(self.whole(offset).unwrap_or(self.bytes.1.len()))
    }

    /// Bytes of the record at an offset, if all of them are in the buffer.
    fn whole(&self, offset: u64) -> Option<usize> {
        let start = usize::try_from(offset.checked_sub(self.bytes.0)?).ok()?;
        let rest = self.bytes.1.get(start..)?;
        let len = self.span.segment.records.length(rest)?;
        (len <= rest.len()).then_some(len)
    }

    fn load(&mut self, offset: u64, bytes: usize) -> Result<(), Fault> {
        let (at, buffer) = (&mut self.bytes.0, &mut self.bytes.1);
        buffer.resize(bytes, 0);
        *at = offset;
        let segment = self.span.segment;
        let read = match read_before_unreadable(self.file, buffer, offset) {
            Ok(read) => read,
            Err(error) => {
                buffer.clear();
                return Err(Fault::unread(segment.base(), &segment.name(), offset)(error));
            }
        };
        buffer.truncate(read);
        self.units += FILE_READ_UNITS + read as u64 / BYTES_PER_UNIT;
        Ok(())
    }
}

/// What to say of a record that cannot be read.
pub(crate) fn broken(segment: &Segment, offset: u64, what: &str) -> Fault {
    Fault::damaged(segment.base(), offset, what)
}
