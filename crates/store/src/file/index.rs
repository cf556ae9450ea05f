//! The index of a segment: where each record is, which records are of a topic, and which may have an id.
//!
//! Records of a segment go by their *ordinal*, 0 for the first. The index of the newest segment
//! [grows](growing::GrowingIndex) in memory; the others are [sealed](sealed::SealedIndex) in files.

pub(crate) mod build;
pub(crate) mod growing;
pub(crate) mod literals;
pub(crate) mod pages;
pub(crate) mod sealed;
pub(crate) mod search;

use std::ops::Range;

use tidings_core::{Epoch, Selector};

use super::fault::Fault;

/// Where the ordinals of one topic are. Means something to the index that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Postings {
    pub(crate) at: u32,
    pub(crate) len: u32,
}

/// Where the ordinals of one hash of an id are. Means something to the index that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IdPostings {
    pub(crate) hash: u64,
    pub(crate) at: u32,
    pub(crate) len: u32,
}

/// An epoch that begins in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EpochBegins {
    /// Its first record.
    pub(crate) ordinal: u32,
    pub(crate) begins: Epoch,
    /// The epoch that ends there.
    pub(crate) ends: Epoch,
}

/// What both kinds of index can tell.
pub(crate) trait Index: Send + Sync {
    /// The offsets of some records in the segment, in order. Those that it does not know are left out.
    fn offsets(&self, ordinals: Range<u32>) -> Result<Vec<u32>, Fault>;

    /// The records of a topic.
    fn topic(&self, topic: &str) -> Result<Option<Postings>, Fault>;

    /// How many topics there are. They have numbers, from 0 on, which mean something to this index.
    fn topics(&self) -> u32;

    /// The numbers, ascending, of all topics that may match a selector; none if the index cannot tell. They are some
    /// thousands at most.
    fn candidates(&self, selector: &Selector) -> Result<Option<Vec<u32>>, Fault>;

    /// The records of those of some topics that match. The numbers ascend.
    fn matching(
        &self,
        topics: &mut dyn Iterator<Item = u32>,
        matches: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Vec<Postings>, Fault>;

    /// How many records there are.
    fn records(&self) -> u32;

    /// A part of the ordinals of a topic, which ascend.
    fn ordinals(&self, postings: Postings, part: Range<u32>) -> Result<Vec<u32>, Fault>;

    /// The records whose id has a hash; they may have another id all the same.
    fn id(&self, hash: u64) -> Result<IdPostings, Fault>;

    /// A part of the ordinals of a hash of an id, which ascend.
    fn id_ordinals(&self, ids: IdPostings, part: Range<u32>) -> Result<Vec<u32>, Fault>;

    /// The epochs that begin in the segment, in order.
    fn epochs(&self) -> Result<Vec<EpochBegins>, Fault>;

    /// How many of the ordinals of a topic are less than one.
    fn rank(&self, postings: Postings, ordinal: u32) -> Result<u32, Fault> {
        let (mut low, mut high) = (0, postings.len);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.ordinals(postings, middle..middle + 1)?.first() {
                Some(found) if *found < ordinal => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }
}
