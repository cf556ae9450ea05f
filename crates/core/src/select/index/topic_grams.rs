//! Where the grams of a topic stand, found without a search.

use super::gram::{LENGTHS, Runs};
use super::signature::signature;

/// Slots of the table. A topic has at most 320 different grams.
const SLOTS: usize = 1 << SLOT_BITS;
const SLOT_BITS: u32 = 10;

/// The places of each gram of a topic, as a bit for each segment where it begins. Grams may share a slot by chance. Then
/// each seems to stand at the places of both: what is not here is not in the topic, and what is here may be.
pub(super) struct TopicGrams {
    places: [u64; SLOTS],
    signature: u64,
    segments: usize,
}

impl TopicGrams {
    pub(super) fn new(numbers: &[u32], seed: u64) -> Self {
        let runs = Runs::new(numbers, LENGTHS, seed);
        let mut places = [0; SLOTS];
        for length in 0..LENGTHS {
            for (at, hash) in runs.of_length(length).iter().enumerate().filter(|(_, hash)| **hash != 0) {
                places[usize::from(slot(*hash))] |= 1 << at;
            }
        }
        Self { places, signature: signature(numbers, seed), segments: runs.of_length(0).len() }
    }

    /// A bit for each literal, by its hash.
    pub(super) fn signature(&self) -> u64 {
        self.signature
    }

    pub(super) fn segments(&self) -> usize {
        self.segments
    }

    pub(super) fn places(&self, slot: u16) -> u64 {
        self.places[usize::from(slot) % SLOTS]
    }
}

/// The slot of a gram by its hash.
pub(super) fn slot(hash: u64) -> u16 {
    (hash >> (64 - SLOT_BITS)) as u16
}
