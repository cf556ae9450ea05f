//! Which kinds of grams patterns are kept under, so that others are not looked up.

use super::gram::{Kind, LENGTHS, PAIRED_SEGMENTS, Place};
use crate::limits::TOPIC_SEGMENTS_MAX;

/// Counts the patterns that are kept under each kind of gram.
#[derive(Default)]
pub(super) struct InUse {
    fronts: [Places; LENGTHS],
    ends: [Places; LENGTHS],
    anywhere: [u32; LENGTHS],
    pairs: Places,
    /// Of patterns without any literal, by the number of segments that they ask for.
    at_least: Places,
    exactly: Places,
}

impl InUse {
    pub(super) fn add(&mut self, kind: Kind) {
        self.change(kind, |count| *count += 1);
    }

    pub(super) fn remove(&mut self, kind: Kind) {
        self.change(kind, |count| *count -= 1);
    }

    fn change(&mut self, kind: Kind, change: impl Fn(&mut u32)) {
        match kind {
            Kind::Run { length, place } => match place {
                Place::Front(at) => self.fronts[usize::from(length)].change(at, change),
                Place::End(at) => self.ends[usize::from(length)].change(at, change),
                Place::Anywhere => change(&mut self.anywhere[usize::from(length)]),
            },
            Kind::Pair(first, second) => self.pairs.change(first * PAIRED_SEGMENTS as u8 + second, change),
            Kind::Wildcards { segments, is_exact: false } => self.at_least.change(segments, change),
            Kind::Wildcards { segments, is_exact: true } => self.exactly.change(segments, change),
        }
    }

    /// How many lengths of grams have to be known.
    pub(super) fn lengths(&self) -> usize {
        let is_used = |length: &usize| {
            self.fronts[*length].mask != 0 || self.ends[*length].mask != 0 || self.anywhere[*length] != 0
        };
        let longest = (0..LENGTHS).rev().find(is_used).map_or(0, |length| length + 1);
        longest.max((self.pairs.mask != 0).into())
    }

    /// Where grams of a length begin.
    pub(super) fn fronts(&self, length: usize) -> impl Iterator<Item = usize> + use<> {
        bits(self.fronts[length].mask)
    }

    /// How far before the last segment grams of a length begin.
    pub(super) fn ends(&self, length: usize) -> impl Iterator<Item = usize> + use<> {
        bits(self.ends[length].mask)
    }

    /// Whether there are grams of a length that may stand anywhere.
    pub(super) fn anywhere(&self, length: usize) -> bool {
        self.anywhere[length] != 0
    }

    /// The numbers of segments, up to a topic's, that patterns without any literal ask for at least.
    pub(super) fn at_least(&self, segments: usize) -> impl Iterator<Item = usize> + use<> {
        bits(self.at_least.mask).take_while(move |least| *least <= segments)
    }

    /// Whether patterns without any literal ask for exactly so many segments.
    pub(super) fn exactly(&self, segments: usize) -> bool {
        self.exactly.counts.get(segments).is_some_and(|count| *count > 0)
    }

    /// The segments of pairs.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        bits(self.pairs.mask).map(|pair| (pair / PAIRED_SEGMENTS, pair % PAIRED_SEGMENTS))
    }
}

struct Places {
    /// A bit for each count that is not 0.
    mask: u64,
    counts: [u32; TOPIC_SEGMENTS_MAX],
}

impl Default for Places {
    fn default() -> Self {
        Self { mask: 0, counts: [0; TOPIC_SEGMENTS_MAX] }
    }
}

impl Places {
    fn change(&mut self, at: u8, change: impl Fn(&mut u32)) {
        let count = &mut self.counts[usize::from(at)];
        change(count);
        let bit = 1 << at;
        self.mask = if *count == 0 { self.mask & !bit } else { self.mask | bit };
    }
}

/// The places of the bits that are set, from the lowest.
fn bits(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = mask.trailing_zeros() as usize;
        mask &= mask.wrapping_sub(1);
        (lowest < 64).then_some(lowest)
    })
}
