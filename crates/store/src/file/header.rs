//! The first bytes of a segment.

use tidings_core::{Epoch, Sequence, UnixMillis};

use super::disk::DiskFile;
use super::fault::Fault;
use super::hash::KeyedHash;
use super::record::RecordFormat;
use super::record::number::{u32_at, u64_at};
use crate::limits::SEQUENCE_MAX;

/// Bytes of the header; the first record begins after them.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = 64;

/// The version in which segments, indexes and `META` are written.
pub(crate) const FORMAT: u32 = 2;

/// The oldest version that is read.
pub(crate) const FORMAT_MIN: u32 = 1;

/// Where the copy of the log's key is. Before there was one, these bytes were zeros, and older hubs do not look at them.
const KEY_COPY: std::ops::Range<usize> = 48..64;

pub(crate) const MAGIC: &[u8; 8] = b"tidings\x01";

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// The version of the segment.
    pub(crate) format: u32,
    /// The newest epoch of the log when the segment was begun. In version 1 it is that of all its events.
    pub(crate) epoch: Epoch,
    /// Its first event, also if none is there yet.
    pub(crate) base: Sequence,
    /// The time of the event before.
    pub(crate) time_before: UnixMillis,
    /// Tells the key of the log from another, without telling it. 0 in version 1, whose records need no key.
    pub(crate) key_check: u64,
}

impl SegmentHeader {
    /// The header with a copy of the log's key, so that `META` can be made anew from any segment.
    pub(crate) fn encode_with(&self, hash: &KeyedHash) -> [u8; SEGMENT_HEADER_BYTES as usize] {
        let mut bytes = self.encode();
        bytes[KEY_COPY].copy_from_slice(&hash.0);
        let checksum = crc32c::crc32c(&bytes[12..]);
        bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES as usize] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES as usize];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[12..16].copy_from_slice(&self.format.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.epoch.0.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.base.0.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.time_before.0.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.key_check.to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[12..]);
        bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads the header of a segment whose name says where it begins.
    pub(crate) fn read(file: &dyn DiskFile, name: &str, base: Sequence) -> Result<Self, Fault> {
        let mut bytes = [0; SEGMENT_HEADER_BYTES as usize];
        let read = file.read_at(&mut bytes, 0).map_err(Fault::unread(base, name, 0))?;
        let damaged = |offset, what: &str| Err(Fault::damaged(base, offset, what));
        if read < bytes.len() || bytes[..8] != *MAGIC {
            return damaged(0, "it does not begin as a segment");
        }
        if u32_at(&bytes, 8) != crc32c::crc32c(&bytes[12..]) {
            return damaged(8, "the checksum of the header is not that of its bytes");
        }
        let format = u32_at(&bytes, 12);
        if !(FORMAT_MIN..=FORMAT).contains(&format) {
            let what = format!("it has format {format}, and this version reads {FORMAT_MIN} to {FORMAT}");
            return Err(Fault::corrupt(name, 12, what));
        }
        if u64_at(&bytes, 24) != base.0 {
            return damaged(24, "it is another segment than its name says");
        }
        if base.0 > SEQUENCE_MAX {
            return damaged(24, "it begins with an event that no log can reach");
        }
        let (epoch, time_before) = (Epoch(u64_at(&bytes, 16)), UnixMillis(u64_at(&bytes, 32)));
        Ok(Self { format, epoch, base, time_before, key_check: u64_at(&bytes, 40) })
    }

    /// The copy of the log's key in a segment that has one. None if there is none, or if it is not that of the header's check.
    pub(crate) fn key_copy(&self, file: &dyn DiskFile) -> Option<KeyedHash> {
        let mut bytes = [0; SEGMENT_HEADER_BYTES as usize];
        let read = file.read_at(&mut bytes, 0).ok()?;
        let key = KeyedHash(bytes[KEY_COPY].try_into().ok()?);
        (read == bytes.len() && self.format > FORMAT_MIN && key.check() == self.key_check).then_some(key)
    }

    /// Refuses a segment of a log with another key: none of its records would be one, and all of it would be cut off as if
    /// a crash had torn it.
    pub(crate) fn refuse_another_log(&self, name: &str, hash: &KeyedHash) -> Result<(), Fault> {
        match self.format {
            FORMAT_MIN => Ok(()),
            _ if self.key_check == hash.check() => Ok(()),
            _ => Err(Fault::corrupt(
                name,
                40,
                "it is of another log than META: it was written with another key",
            )),
        }
    }

    /// How the records of the segment are written.
    pub(crate) fn records(&self, hash: &KeyedHash) -> RecordFormat {
        match self.format {
            FORMAT_MIN => RecordFormat::V1,
            _ => RecordFormat::V2(hash.tag()),
        }
    }
}
