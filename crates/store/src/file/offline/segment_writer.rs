//! Writes a segment from its beginning to its end, with its index.

use std::ops::RangeInclusive;
use std::sync::Arc;

use tidings_core::{Epoch, Event, Sequence, UnixMillis};

use crate::file::disk::{Disk, DiskFile};
use crate::file::ended::Ended;
use crate::file::fault::Fault;
use crate::file::hash::{KeyedHash, RecordTag};
use crate::file::header::{FORMAT, FORMAT_MIN, SegmentHeader};
use crate::file::index::build;
use crate::file::index::growing::GrowingIndex;
use crate::file::names;
use crate::file::record::{Record, RecordStamp, v2};
use crate::limits::SCAN_READ_BYTES;

/// A segment that is being written.
pub(super) struct SegmentWriter {
    name: String,
    header: SegmentHeader,
    file: Arc<dyn DiskFile>,
    index: GrowingIndex,
    hash: KeyedHash,
    tag: RecordTag,
    /// What is not written yet, and where it belongs.
    bytes: Vec<u8>,
    at: u64,
    last_time: UnixMillis,
    records: u64,
}

impl SegmentWriter {
    /// Begins a segment. It has the name of an unfinished file until it is [named](Self::name).
    pub(super) fn create(
        disk: &dyn Disk,
        hash: KeyedHash,
        (epoch, base, time_before): (Epoch, Sequence, UnixMillis),
    ) -> Result<Self, Fault> {
        let header = SegmentHeader { format: FORMAT, epoch, base, time_before, key_check: hash.check() };
        Self::with(disk, hash, header)
    }

    /// Begins a segment with a header, which may be of an earlier version.
    pub(super) fn with(disk: &dyn Disk, hash: KeyedHash, header: SegmentHeader) -> Result<Self, Fault> {
        let (name, time_before) = (names::log(header.base), header.time_before);
        let file = disk.create(&names::new(&name)).map_err(Fault::io(&name))?;
        let bytes = match header.format {
            FORMAT_MIN => header.encode(),
            _ => header.encode_with(&hash),
        };
        let bytes = bytes.to_vec();
        let index = GrowingIndex::default();
        Ok(Self {
            name,
            header,
            file,
            index,
            hash,
            tag: hash.tag(),
            bytes,
            at: 0,
            last_time: time_before,
            records: 0,
        })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }

    pub(super) fn has_events(&self) -> bool {
        self.records > 0
    }

    /// Declares that the events before the segment are lost. It must come first.
    pub(super) fn declare(&mut self, lost: &RangeInclusive<Sequence>) {
        let stamp = RecordStamp { more: false, ..self.unplaced() };
        v2::encode_lost(stamp, *lost.start(), *lost.end(), &self.tag, &mut self.bytes);
    }

    /// Begins an epoch. An event must follow.
    pub(super) fn begin_epoch(&mut self, begins: Epoch, ends: Epoch) {
        let stamp = self.unplaced();
        v2::encode_epoch(stamp, begins, ends, &self.tag, &mut self.bytes);
        self.index.begin_epoch(begins, ends);
    }

    /// Adds the next event.
    pub(super) fn add(&mut self, event: &Event) -> Result<(), Fault> {
        let offset = self.bytes() as u32;
        let stamp = RecordStamp { sequence: event.cursor.sequence, time: event.time, lag: 1, more: false };
        v2::encode(stamp, &event.draft, &self.tag, &mut self.bytes);
        self.index.extend([(offset, &event.draft)].into_iter(), &self.hash);
        (self.last_time, self.records) = (event.time, self.records + 1);
        if self.bytes.len() >= SCAN_READ_BYTES { self.write() } else { Ok(()) }
    }

    /// Adds a record as it stands in another segment of the same log, and of the same version.
    pub(super) fn copy(&mut self, record: &Record<'_>, raw: &[u8]) -> Result<(), Fault> {
        let offset = self.bytes() as u32;
        self.bytes.extend_from_slice(raw);
        match record.kind.is_shown() {
            true => self
                .index
                .push(offset, record, &self.hash)
                .map_err(|_| Fault::corrupt(&self.name, offset.into(), "the record's topic is none"))?,
            false => self.index.pass(offset),
        }
        (self.last_time, self.records) = (record.stamp.time, self.records + 1);
        if self.bytes.len() >= SCAN_READ_BYTES { self.write() } else { Ok(()) }
    }

    /// Makes the segment durable under its name. `is_ended` says that another one follows: then it gets its index.
    pub(super) fn finish(mut self, disk: &dyn Disk, is_ended: bool) -> Result<(), Fault> {
        self.complete()?;
        self.name(disk, is_ended)
    }

    /// Makes it durable, still under the name of an unfinished file.
    pub(super) fn complete(&mut self) -> Result<(), Fault> {
        self.write()?;
        self.file.sync_data().map_err(Fault::io(&self.name))
    }

    /// Gives a segment that is complete its name.
    pub(super) fn name(self, disk: &dyn Disk, is_ended: bool) -> Result<(), Fault> {
        disk.rename(&names::new(&self.name), &self.name).map_err(Fault::io(&self.name))?;
        if is_ended && self.has_events() {
            let ended = Ended { end: self.at, last_time: self.last_time };
            build::write(disk, &self.header, ended, &self.index, &self.hash)?;
        }
        Ok(())
    }

    /// A record without a place has that of the event before, which is durable when the segment has a name.
    fn unplaced(&self) -> RecordStamp {
        let sequence = Sequence(self.header.base.0 + self.records).previous();
        RecordStamp { sequence, time: self.last_time, lag: 0, more: true }
    }

    fn write(&mut self) -> Result<(), Fault> {
        self.file.write_at(&self.bytes, self.at).map_err(Fault::io(&self.name))?;
        self.at += self.bytes.len() as u64;
        self.bytes.clear();
        Ok(())
    }
}
