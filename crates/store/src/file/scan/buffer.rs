//! The bytes of a segment, a piece at a time.

use tidings_core::Sequence;

use super::Mark;
use crate::file::disk::{self, DiskFile};
use crate::file::fault::Fault;
use crate::file::record::{Flaw, RecordFormat};
use crate::limits::{SCAN_READ_BYTES, UNREADABLE_BLOCK_BYTES};

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
        let read = match self.file.read_at(&mut self.bytes, offset) {
            Err(error) if disk::is_unreadable(&error) => self.load_blocks(offset)?,
            read => read.map_err(Fault::io(self.name))?,
        };
        self.bytes.truncate(read);
        Ok(())
    }

    fn load_blocks(&mut self, offset: u64) -> Result<usize, Fault> {
        let mut done = 0;
        for block in self.bytes.chunks_mut(UNREADABLE_BLOCK_BYTES) {
            done += match self.file.read_at(block, offset + done as u64) {
                Err(error) if disk::is_unreadable(&error) => {
                    block.fill(0);
                    block.len()
                }
                read => read.map_err(Fault::io(self.name))?,
            };
        }
        Ok(done)
    }

    /// The first record behind a flaw, and the event that it has or that follows it. No event after `last` is taken for one.
    pub(super) fn find(&mut self, flaw: &Mark, last: Sequence) -> Result<Option<(u64, Sequence)>, Fault> {
        // Anybody can make a checksum of version 1, so an event may have bytes in it that read as a record.
        if self.records == RecordFormat::V1 {
            return Ok(None);
        }
        let (records, header_bytes) = (self.records, self.records.header_bytes());
        let within = flaw.next.previous()..=last;
        let mut offset = flaw.offset + 1;
        while offset + header_bytes as u64 <= self.file_bytes {
            // At least a header, or the file would have ended.
            let ahead = self.at(offset)?;
            let heads = (ahead.len() + 1).saturating_sub(header_bytes).max(1);
            let plausible = (0..heads).find(|at| {
                ahead.get(*at..).is_some_and(|head| {
                    head.len() >= header_bytes && within.contains(&records.sequence(head))
                })
            });
            let Some(at) = plausible else {
                offset += heads as u64;
                continue;
            };
            offset += at as u64;
            if let Ok(record) = records.parse(self.at(offset)?)
                && record.stamp.time >= flaw.time
            {
                let sequence = record.stamp.sequence;
                let next = if record.kind.is_placed() { sequence } else { sequence.next() };
                if next >= flaw.next {
                    return Ok(Some((offset, next)));
                }
            }
            offset += 1;
        }
        Ok(None)
    }

    fn rest(&self, offset: u64) -> &[u8] {
        let at = offset.checked_sub(self.offset).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.bytes.get(at..)).unwrap_or_default()
    }
}
