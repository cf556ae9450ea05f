//! A segment: a run of the log in one file, with its index.

use std::sync::{Arc, OnceLock};

use tidings_core::Sequence;

use super::disk::DiskFile;
use super::ended::Ended;
use super::header::SegmentHeader;
use super::holes::Holes;
use super::index::Index;
use super::index::growing::GrowingIndex;
use super::index::sealed::SealedIndex;
use super::line::Doubt;
use super::names;
use super::record::RecordFormat;

/// One file of the log. Readers that hold it can read it after it was removed.
pub(crate) struct Segment {
    pub(crate) header: SegmentHeader,
    pub(crate) records: RecordFormat,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) index_state: IndexState,
    /// Known once the segment does not grow any more.
    pub(crate) ended: OnceLock<Ended>,
    /// Its records that cannot be read.
    pub(crate) holes: Holes,
    /// Where something stood, when it was opened, that could not be read and may have begun an epoch.
    pub(crate) doubts: Vec<Doubt>,
    /// Its header was damaged, and was made up: nobody knows in which epoch it began, and after which time.
    pub(crate) header_is_lost: bool,
}

/// Whether the index of a segment is in memory or in a file.
pub(crate) enum IndexState {
    /// It is in memory: the segment is the newest, or waits for its index to be written.
    Growing(Arc<GrowingIndex>),
    /// It is in a file.
    Sealed(Box<SealedIndex>),
}

impl Segment {
    /// The first event, also if none is there yet.
    pub(crate) fn base(&self) -> Sequence {
        self.header.base
    }

    /// The name of the file.
    pub(crate) fn name(&self) -> String {
        names::log(self.header.base)
    }

    pub(crate) fn index(&self) -> &dyn Index {
        match &self.index_state {
            IndexState::Growing(index) => &**index,
            IndexState::Sealed(index) => &**index,
        }
    }
}
