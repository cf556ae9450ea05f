//! Grams: short runs of literals, by which patterns are found.
//!
//! A pattern that matches a topic shares all its grams with it. So it is enough to keep each pattern under one of its grams,
//! and to look at those that are kept under the grams of a topic. There are grams of 1, 2, 4, 8 and 16 literals, and pairs of
//! literals with other segments between them.

use super::names::{ONE_SEGMENT, UNKNOWN};
use super::shape::Shape;
use crate::limits::TOPIC_SEGMENTS_MAX;

/// Lengths of grams: 1, 2, 4, 8, 16.
pub(super) const LENGTHS: usize = 5;
/// Segments at the beginning of a topic of which any two can be a pair.
pub(super) const PAIRED_SEGMENTS: usize = 8;

/// Where a gram stands in a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It begins at this segment.
    Front(u8),
    /// It begins so many segments before the last one.
    End(u8),
    /// Anywhere.
    Anywhere,
}

/// A gram of a pattern.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gram {
    pub(super) kind: Kind,
    pub(super) hash: u64,
}

/// What grams can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Literals next to each other; `length` is the logarithm of their number.
    Run { length: u8, place: Place },
    /// Two literals at these segments, the first before the second.
    Pair(u8, u8),
    /// What patterns without any literal are kept under: all that they ask is a number of segments.
    Wildcards { segments: u8, is_exact: bool },
}

impl Gram {
    /// The gram of patterns without any literal, that ask for at least or exactly so many segments. Its hash is only not 0,
    /// which would mean that there is no gram.
    pub(super) fn wildcards(segments: usize, is_exact: bool) -> Self {
        Self { kind: Kind::Wildcards { segments: segments as u8, is_exact }, hash: 1 }
    }

    /// A number that other grams have hardly ever. If two have the same, more patterns than needed are looked at.
    pub(super) fn key(self) -> u64 {
        let kind = match self.kind {
            Kind::Run { length, place: Place::Front(at) } => u64::from(at) * 8 + u64::from(length),
            Kind::Run { length, place: Place::End(at) } => (u64::from(at) + 64) * 8 + u64::from(length),
            // Two grams that stand anywhere never have the same, see `InUse::any_gram`.
            Kind::Run { length, place: Place::Anywhere } => return self.hash ^ u64::from(length),
            Kind::Pair(first, second) => 1_024 + u64::from(first) * 8 + u64::from(second),
            Kind::Wildcards { segments, is_exact } => 2_048 + u64::from(segments) * 2 + u64::from(is_exact),
        };
        mix(self.hash, kind)
    }

    /// Literals in it.
    fn literals(self) -> usize {
        match self.kind {
            Kind::Run { length, .. } => 1 << length,
            Kind::Pair(..) => 2,
            Kind::Wildcards { .. } => 0,
        }
    }
}

/// Hashes of the runs of literals in a row of segments. Those that have another segment in them are 0.
pub(super) struct Runs {
    hashes: [[u64; TOPIC_SEGMENTS_MAX]; LENGTHS],
    segments: usize,
    lengths: usize,
}

impl Runs {
    /// Of the first `lengths` lengths. The seed is the index's secret, so that nobody chooses literals by their hashes.
    pub(super) fn new(numbers: &[u32], lengths: usize, seed: u64) -> Self {
        let mut hashes = [[0; TOPIC_SEGMENTS_MAX]; LENGTHS];
        for (hash, number) in hashes[0].iter_mut().zip(numbers) {
            *hash = if matches!(*number, UNKNOWN | ONE_SEGMENT) { 0 } else { mix(seed, u64::from(*number)) };
        }
        for length in 1..lengths {
            let half = 1 << (length - 1);
            let (shorter, longer) = hashes.split_at_mut(length);
            let shorter = &shorter[length - 1];
            for at in 0..(numbers.len() + 1).saturating_sub(2 * half) {
                let (left, right) = (shorter[at], shorter[at + half]);
                longer[0][at] = if left == 0 || right == 0 { 0 } else { mix(left, right) };
            }
        }
        Self { hashes, segments: numbers.len(), lengths }
    }

    /// The hash of a pair; 0 if there is none.
    pub(super) fn pair(&self, first: usize, second: usize) -> u64 {
        let (left, right) = (self.hashes[0][first], self.hashes[0][second]);
        if left == 0 || right == 0 { 0 } else { mix(left, right) }
    }

    /// The hashes of all runs of a length, by the segment where they begin.
    pub(super) fn of_length(&self, length: usize) -> &[u64] {
        &self.hashes[length][..self.segments]
    }

    fn each(&self, place: impl Fn(u8) -> Place, visit: &mut impl FnMut(Gram)) {
        for length in 0..self.lengths {
            for (at, hash) in self.of_length(length).iter().enumerate().filter(|(_, hash)| **hash != 0) {
                let (length, place) = (length as u8, place(at as u8));
                visit(Gram { kind: Kind::Run { length, place }, hash: *hash });
            }
        }
    }
}

/// Visits all grams of a pattern.
pub(super) fn grams(shape: &Shape, seed: u64, mut visit: impl FnMut(Gram)) {
    let (front, end) = (shape.front(), shape.end());
    let runs = Runs::new(front, lengths(front), seed);
    runs.each(Place::Front, &mut visit);
    let paired = front.len().min(PAIRED_SEGMENTS);
    // Two next to each other are a run.
    for (first, second) in
        (0..paired).flat_map(|first| (first + 2..paired).map(move |second| (first, second)))
    {
        let hash = runs.pair(first, second);
        if hash != 0 {
            visit(Gram { kind: Kind::Pair(first as u8, second as u8), hash });
        }
    }
    for run in shape.middles() {
        Runs::new(run, lengths(run), seed).each(|_| Place::Anywhere, &mut visit);
    }
    Runs::new(end, lengths(end), seed).each(|at| Place::End(end.len() as u8 - 1 - at), &mut visit);
}

/// The gram of a pattern that the fewest patterns have, and of those the one with the most literals.
pub(super) fn rarest(shape: &Shape, seed: u64, patterns_with: impl Fn(Gram) -> u32) -> Gram {
    let mut best = (u32::MAX, 0, Gram::wildcards(shape.least(), shape.is_exact()));
    grams(shape, seed, |gram| {
        let (patterns, literals) = (patterns_with(gram), gram.literals());
        if patterns < best.0 || (patterns == best.0 && literals > best.1) {
            best = (patterns, literals, gram);
        }
    });
    best.2
}

/// How many lengths of grams a run of segments has.
pub(super) fn lengths(run: &[u32]) -> usize {
    (0..LENGTHS).filter(|length| 1 << length <= run.len()).count()
}

/// Joins two numbers to one that is hardly ever that of two others, and never 0.
pub(super) fn mix(left: u64, right: u64) -> u64 {
    let product = u128::from(left ^ 0x9e37_79b9_7f4a_7c15) * u128::from(right ^ 0xe703_7ed1_a0b4_28db);
    (((product >> 64) ^ product) as u64 ^ left.rotate_left(23)).max(1)
}
