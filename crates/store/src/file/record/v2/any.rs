//! Writes records of any kind with any attributes, for tests: what is specified and not used yet, what a later version
//! may write, and what no version writes.

use super::{HEADER_BYTES, encode_with};
use crate::file::hash::RecordTag;
use crate::file::record::RecordStamp;
use crate::file::record::attribute::put;
use crate::file::record::kind::Kind;

/// A record that a test makes up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnyRecord<'a> {
    pub(crate) stamp: RecordStamp,
    /// The number of its kind, known or not.
    pub(crate) kind: u8,
    pub(crate) topic: &'a str,
    /// Number and value of each attribute, in the order in which they stand.
    pub(crate) attributes: &'a [(u8, &'a [u8])],
    pub(crate) data: &'a [u8],
}

impl AnyRecord<'_> {
    /// Appends the record, with the checksum and the tag that belong to it.
    pub(crate) fn encode(&self, tag: &RecordTag, into: &mut Vec<u8>) {
        let start = into.len();
        encode_with(self.stamp, Kind::Event, self.topic, tag, into, |into| {
            self.attributes.iter().for_each(|(name, value)| put(*name, &[value], into));
            self.data
        });
        into[start + 36] = self.kind;
        mend(&mut into[start..], tag);
    }
}

/// Sets length, checksum and tag of a record right. There must be a header.
pub(crate) fn mend(whole: &mut [u8], tag: &RecordTag) {
    let len = whole.len() as u32;
    let checksum = crc32c::crc32c(&whole[HEADER_BYTES..]);
    whole[8..12].copy_from_slice(&checksum.to_le_bytes());
    whole[12..16].copy_from_slice(&len.to_le_bytes());
    let tag = tag.of(&whole[8..HEADER_BYTES]);
    whole[..8].copy_from_slice(&tag.to_le_bytes());
}
