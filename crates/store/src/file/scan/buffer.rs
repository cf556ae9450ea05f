//! The bytes of a segment, a piece at a time.

use tidings_core::Sequence;

use super::Mark;
use crate::file::disk::DiskFile;
use crate::file::disk::blocks::read_with_zeros;
use crate::file::fault::Fault;
use crate::file::record::{Flaw, RecordFormat};
use crate::limits::SCAN_READ_BYTES;

/// What comes behind a flaw.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) offset: u64,
    /// The event that is there, or the one that would follow what is there.
    pub(super) next: Sequence,
    /// Nothing was between but one event.
    pub(super) is_alone: bool,
}

/// The file, a piece at a time.
pub(super) struct ScanBuffer<'a> {
    pub(super) file: &'a dyn DiskFile,
    pub(super) name: &'a str,
    pub(super) records: RecordFormat,
    pub(super) file_bytes: u64,
    offset: u64,
    bytes: Vec<u8>,
}

impl<'a> ScanBuffer<'a> {
    pub(super) fn new(file: &'a dyn DiskFile, name: &'a str, records: RecordFormat) -> Result<Self, Fault> {
        let file_bytes = file.len().map_err(Fault::io(name))?;
        Ok(Self { file, name, records, file_bytes, offset: 0, bytes: Vec::new() })
    }

    /// The bytes from an offset on, with the whole of the record there if the file has it.
    pub(super) fn at(&mut self, offset: u64) -> Result<&[u8], Fault> {
        let missing = match self.records.parse(self.rest(offset)) {
            Err(Flaw::Short(needed)) => needed,
            _ => 0,
        };
        let there = self.file_bytes.saturating_sub(offset);
        // A length that is wrong must not make us take memory for it.
        if missing > self.rest(offset).len() && self.rest(offset).len() as u64 != there {
            let bytes = (missing.max(SCAN_READ_BYTES) as u64).min(there) as usize;
            self.bytes.resize(bytes, 0);
            self.load(offset)?;
        }
        Ok(self.rest(offset))
    }

    /// Fills the buffer from an offset on. What the disk cannot read is zeros, in which there is no record.
    fn load(&mut self, offset: u64) -> Result<(), Fault> {
        self.offset = offset;
        let read = read_with_zeros(self.file, &mut self.bytes, offset).map_err(Fault::io(self.name))?;
        self.bytes.truncate(read);
        Ok(())
    }

    /// The first record behind a flaw. No event after `last` is taken for one.
    pub(super) fn find(&mut self, flaw: &Mark, last: Sequence) -> Result<Option<Found>, Fault> {
        // Anybody can make a checksum of version 1, so an event may have bytes in it that read as a record.
        if self.records == RecordFormat::V1 {
            return Ok(None);
        }
        if let Some(found) = self.behind_one(flaw)? {
            return Ok(Some(found));
        }
        let (records, header_bytes) = (self.records, self.records.header_bytes());
        let within = flaw.next.previous()..=last;
        let mut offset = flaw.offset + 1;
        while offset + header_bytes as u64 <= self.file_bytes {
            // At least a header, or the file would have ended.
            let ahead = self.at(offset)?;
            if ahead.len() < header_bytes {
                // The space that was set aside has been given back meanwhile.
                return Ok(None);
            }
            let heads = (ahead.len() + 1).saturating_sub(header_bytes).max(1);
            let is_plausible = |at: &usize| {
                ahead.get(*at..at + header_bytes).is_some_and(|head| within.contains(&records.sequence(head)))
            };
            let Some(at) = (0..heads).find(is_plausible) else {
                offset += heads as u64;
                continue;
            };
            offset += at as u64;
            if let Some(next) = self.next_at(offset, flaw)? {
                return Ok(Some(Found { offset, next, is_alone: false }));
            }
            offset += 1;
        }
        Ok(None)
    }

    /// The record behind a flaw, if that is one record whose header is whole.
    fn behind_one(&mut self, flaw: &Mark) -> Result<Option<Found>, Fault> {
        let records = self.records;
        let Some((len, stamp, kind)) = records.head(self.at(flaw.offset)?) else { return Ok(None) };
        if !kind.is_placed() || stamp.sequence != flaw.next {
            return Ok(None);
        }
        let offset = flaw.offset + len as u64;
        let next = self.next_at(offset, flaw)?.filter(|next| *next == stamp.sequence.next());
        Ok(next.map(|next| Found { offset, next, is_alone: true }))
    }

    /// The event that is at an offset, or that would follow what is there, if it is a record that may stand behind a flaw.
    fn next_at(&mut self, offset: u64, flaw: &Mark) -> Result<Option<Sequence>, Fault> {
        let records = self.records;
        let Ok(record) = records.parse(self.at(offset)?) else { return Ok(None) };
        let sequence = record.stamp.sequence;
        let next = if record.kind.is_placed() { sequence } else { sequence.next() };
        Ok(Some(next).filter(|next| *next >= flaw.next && record.stamp.time >= flaw.time))
    }

    fn rest(&self, offset: u64) -> &[u8] {
        let at = offset.checked_sub(self.offset).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.bytes.get(at..)).unwrap_or_default()
    }
}
