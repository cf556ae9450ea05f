//! The newest segment, as its writer sees it.

use std::sync::{Arc, OnceLock};

use tidings_core::UnixMillis;

use super::disk::Disk;
use super::ended::Ended;
use super::fault::Fault;
use super::hash::KeyedHash;
use super::header::{FORMAT, SEGMENT_HEADER_BYTES, SegmentHeader};
use super::holes::Holes;
use super::index::Index;
use super::index::growing::GrowingIndex;
use super::names;
use super::segment::{IndexState, Segment};
use crate::limits::{SMALL_GROUP_BYTES_MAX, ZEROS_AHEAD_BYTES};

/// The newest segment. Only the writer has one.
pub(crate) struct Active {
    pub(crate) segment: Arc<Segment>,
    pub(crate) index: Arc<GrowingIndex>,
    /// Where the last record ends.
    pub(crate) end: u64,
    /// Where the space that was set aside ends.
    pub(crate) allocated: u64,
    /// The time of its first event.
    pub(crate) first_time: Option<UnixMillis>,
    /// Up to where every byte was written, be it as zero.
    pub(crate) written: u64,
}

impl Active {
    /// Makes a segment with space for so many bytes of records. It is durable when this returns; before, a crash
    /// leaves nothing of it.
    pub(crate) fn create(
        disk: &dyn Disk,
        header: SegmentHeader,
        hash: &KeyedHash,
        bytes: u64,
    ) -> Result<Self, Fault> {
        let name = names::log(header.base);
        let unfinished = names::new(&name);
        let made = disk.create(&unfinished).and_then(|file| {
            file.allocate(SEGMENT_HEADER_BYTES + bytes)?;
            file.write_at(&header.encode_with(hash), 0)?;
            file.sync_data()?;
            disk.rename(&unfinished, &name)?;
            Ok(file)
        });
        let file = made.map_err(|error| {
            // What is left means nothing, and is removed at the next start at the latest.
            let _ = disk.remove(&unfinished);
            Fault::io(&name)(error)
        })?;
        // From here on the segment may be there after a crash, so nobody may go on without it, for want of space
        // either.
        disk.sync_dir().map_err(|error| Fault::io(&name)(std::io::Error::other(error)))?;
        let index = Arc::<GrowingIndex>::default();
        let index_state = IndexState::Growing(index.clone());
        let records = header.records(hash);
        let segment = Arc::new(Segment {
            header,
            records,
            file,
            index_state,
            ended: OnceLock::new(),
            holes: Holes::default(),
            doubts: Vec::new(),
            header_is_lost: false,
        });
        let allocated = SEGMENT_HEADER_BYTES + bytes;
        Ok(Self {
            segment,
            index,
            end: SEGMENT_HEADER_BYTES,
            allocated,
            first_time: None,
            written: SEGMENT_HEADER_BYTES,
        })
    }

    /// Bytes of records that still fit: none in a segment of an earlier version, which takes no records of this one.
    pub(crate) fn room(&self) -> u64 {
        if self.is_old() { 0 } else { self.allocated.saturating_sub(self.end) }
    }

    /// Whether it is of an earlier version.
    pub(crate) fn is_old(&self) -> bool {
        self.segment.header.format != FORMAT
    }

    /// Whether it has no record.
    pub(crate) fn is_empty(&self) -> bool {
        // It may begin with a record without a place, which says what is lost before it.
        self.index.records() == 0
    }

    /// Makes room for so many bytes of records, without another segment.
    pub(crate) fn extend(&mut self, bytes: u64) -> Result<(), Fault> {
        let allocated = self.end + bytes;
        self.segment.file.allocate(allocated).map_err(Fault::io(&self.segment.name()))?;
        self.allocated = self.allocated.max(allocated);
        Ok(())
    }

    /// Writes a group, which must fit. It is not part of the segment before `end` is moved.
    pub(crate) fn write(&mut self, group: &mut Vec<u8>) -> Result<(), Fault> {
        let bytes = group.len();
        let end = self.end + bytes as u64;
        if end > self.written && bytes <= SMALL_GROUP_BYTES_MAX {
            let zeros = ZEROS_AHEAD_BYTES.min(self.allocated.saturating_sub(end));
            group.resize(bytes + zeros as usize, 0);
        }
        let written = self.segment.file.write_at(group, self.end);
        self.written = self.written.max(self.end + group.len() as u64);
        group.truncate(bytes);
        written.map_err(Fault::io(&self.segment.name()))
    }

    /// Takes back whatever was written after the last record, durably, so that it can never be mistaken for one.
    pub(crate) fn cut(&mut self) -> Result<(), Fault> {
        let file = &self.segment.file;
        let cut = file.set_len(self.end).and_then(|()| file.sync_data());
        cut.map_err(Fault::io(&self.segment.name()))?;
        self.written = self.end;
        if file.allocate(self.allocated).is_err() {
            self.allocated = self.end;
        }
        Ok(())
    }

    /// Says that no record will follow.
    pub(crate) fn finish(&self, last_time: UnixMillis) {
        // It is set once: a segment ends once.
        let _ = self.segment.ended.set(Ended { end: self.end, last_time });
    }
}
