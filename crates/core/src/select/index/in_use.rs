//! Which kinds of grams patterns are kept under, so that others are not looked up.

use super::gram::{Gram, Kind, LENGTHS, PAIRED_SEGMENTS, Place, Runs};
use super::topic_view::TopicView;
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

    /// Hands out the grams of a topic under which there may be patterns, each once, until one of them is the last. For an
    /// index of this seed, in which some keys are there.
    pub(super) fn any_gram(
        &self,
        view: &TopicView,
        seed: u64,
        is_there: impl Fn(u64) -> bool,
        mut is_last: impl FnMut(Gram) -> bool,
    ) -> bool {
        let segments = view.len();
        let mut at_least = self.at_least(segments);
        if at_least.any(|least| is_last(Gram::wildcards(least, false)))
            || (self.exactly(segments) && is_last(Gram::wildcards(segments, true)))
        {
            return true;
        }
        let lengths = self.lengths();
        if lengths == 0 {
            return false;
        }
        let runs = Runs::new(view.numbers(), lengths, seed);
        let mut visit = |kind, hash| hash != 0 && is_last(Gram { kind, hash });
        for length in 0..lengths {
            let hashes = runs.of_length(length);
            let run = |place| Kind::Run { length: length as u8, place };
            let mut fronts = self.fronts(length).take_while(|at| *at < segments);
            if fronts.any(|at| visit(run(Place::Front(at as u8)), hashes[at])) {
                return true;
            }
            let mut ends = self.ends(length).take_while(|at| *at < segments);
            if ends.any(|at| visit(run(Place::End(at as u8)), hashes[segments - 1 - at])) {
                return true;
            }
            if !self.anywhere(length) {
                continue;
            }
            for (at, hash) in hashes.iter().enumerate().filter(|(_, hash)| **hash != 0) {
                let gram = Gram { kind: run(Place::Anywhere), hash: *hash };
                let is_there = is_there(gram.key());
                // The same gram stands at several places of a topic, and its patterns are visited once.
                if is_there && !hashes[..at].contains(hash) && visit(gram.kind, *hash) {
                    return true;
                }
            }
        }
        let mut pairs = self.pairs().filter(|(_, second)| *second < segments);
        pairs.any(|(first, second)| visit(Kind::Pair(first as u8, second as u8), runs.pair(first, second)))
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
    fn fronts(&self, length: usize) -> impl Iterator<Item = usize> + use<> {
        bits(self.fronts[length].mask)
    }

    /// How far before the last segment grams of a length begin.
    fn ends(&self, length: usize) -> impl Iterator<Item = usize> + use<> {
        bits(self.ends[length].mask)
    }

    /// Whether there are grams of a length that may stand anywhere.
    fn anywhere(&self, length: usize) -> bool {
        self.anywhere[length] != 0
    }

    /// The numbers of segments, up to a topic's, that patterns without any literal ask for at least.
    fn at_least(&self, segments: usize) -> impl Iterator<Item = usize> + use<> {
        bits(self.at_least.mask).take_while(move |least| *least <= segments)
    }

    /// Whether patterns without any literal ask for exactly so many segments.
    fn exactly(&self, segments: usize) -> bool {
        self.exactly.counts.get(segments).is_some_and(|count| *count > 0)
    }

    /// The segments of pairs.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
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
