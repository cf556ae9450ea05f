//! An index, compared with its segment.

use super::examine::Examined;
use super::finding::Damage;
use crate::file::disk::Disk;
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::header::FORMAT_MIN;
use crate::file::index::sealed::SealedIndex;
use crate::file::index::{Index, build, pages};
use crate::file::names;
use crate::limits::SCAN_READ_BYTES;

/// How an index is.
pub(super) enum IndexCheck {
    Missing,
    Whole,
    Damaged(Damage),
}

/// Compares the index of a segment with what the segment says, byte by byte. Of a segment that is damaged itself nobody knows what the index
/// should be: then only its checksums are looked at.
pub(super) fn check_index(
    disk: &dyn Disk,
    examined: &Examined,
    hash: &KeyedHash,
) -> Result<IndexCheck, Fault> {
    let header = examined.segment.header;
    let name = names::index(header.base);
    let file = match disk.open(&name).map_err(Fault::io(&name)) {
        Err(fault) if fault.is_missing() => return Ok(IndexCheck::Missing),
        file => file?,
    };
    let has_literals = match SealedIndex::open(disk, header.base, header.format, *hash) {
        Ok(index) => header.format > FORMAT_MIN && (index.has_literals() || index.topics() == 0),
        Err(fault) => return Ok(IndexCheck::Damaged(Damage::of(fault))),
    };
    let expected = examined
        .damage
        .is_empty()
        .then(|| build::content(&header, examined.ended, &examined.index, hash, has_literals));
    let (mut bytes, mut at) = (vec![0; SCAN_READ_BYTES], 0);
    loop {
        let read = match file.read_at(&mut bytes, at).map_err(Fault::unread(header.base, &name, at)) {
            Err(fault @ Fault::Damaged { .. }) => return Ok(IndexCheck::Damaged(Damage::of(fault))),
            read => read?,
        };
        if let Some((offset, what)) = pages::first_wrong(header.base, at, &bytes[..read], expected.as_deref())
        {
            return Ok(IndexCheck::Damaged(Damage::new(&*name, offset, what)));
        }
        at += read as u64;
        if read < bytes.len() {
            break;
        }
    }
    if expected.is_some_and(|expected| at != pages::file_bytes(expected.len())) {
        let what = "it has not the length that its segment asks for";
        return Ok(IndexCheck::Damaged(Damage::new(&*name, at, what)));
    }
    Ok(IndexCheck::Whole)
}
