//! An epoch whose record is damaged: others know of it.

use tidings_core::Sequence;

use super::examine::Examined;
use crate::file::disk::Disk;
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::header::{FORMAT_MIN, SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::file::index::sealed::SealedIndex;
use crate::file::index::{EpochBegins, Index};
use crate::file::names;

/// Adds to a segment the epochs whose records in it are damaged: its index file may know of them, and the header of the next segment may. Of
/// the oldest segment it also finds the epoch in which it begins, if its header is damaged.
pub(super) fn complete(
    disk: &dyn Disk,
    examined: &mut Examined,
    next: Option<Sequence>,
    is_oldest: bool,
    hash: &KeyedHash,
) -> Result<(), Fault> {
    let header = &mut examined.segment.header;
    if examined.damage.is_empty() {
        return Ok(());
    }
    let mut epochs = examined.index.epochs()?;
    let sealed = SealedIndex::open(disk, header.base, header.format, *hash);
    for epoch in sealed.and_then(|index| index.epochs()).unwrap_or_default() {
        if !epochs.contains(&epoch) {
            examined.index.begin_epoch_at(epoch);
        }
    }
    epochs = examined.index.epochs()?;
    let next_epoch = next.and_then(|next| {
        let name = names::log(next);
        let file = disk.open(&name).ok()?;
        SegmentHeader::read(&*file, &name, next).ok().map(|header| header.epoch)
    });
    if examined.segment.header_is_lost && is_oldest {
        header.epoch = epochs.first().map(|epoch| epoch.ends).or(next_epoch).unwrap_or(header.epoch);
    }
    let last = epochs.last().map_or(header.epoch, |epoch| epoch.begins);
    let unplaced = examined
        .damage
        .iter()
        .rfind(|damage| damage.events.is_none() && damage.offset >= SEGMENT_HEADER_BYTES);
    if let (Some(begins), Some(damage)) = (next_epoch.filter(|epoch| *epoch != last), unplaced)
        && header.format > FORMAT_MIN
    {
        // The record stands before the first event behind it.
        let offsets = examined.index.offsets(0..examined.index.records())?;
        if let Some(ordinal) = offsets.iter().position(|offset| u64::from(*offset) > damage.offset) {
            examined.index.begin_epoch_at(EpochBegins { ordinal: ordinal as u32, begins, ends: last });
        }
    }
    Ok(())
}
