//! A topic as numbers: it is split and looked up once for all patterns.

use std::cell::{Cell, OnceCell};

use super::names::{Names, UNKNOWN};
use super::signature::signature;
use super::topic_grams::TopicGrams;
use crate::event::topic::Topic;
use crate::limits::TOPIC_SEGMENTS_MAX;

/// Slots of the table of positions: twice as many as there are segments, so that it is never full.
const SLOTS: usize = 128;

/// Candidates for which the table of grams is worth making.
const CANDIDATES: usize = 64;

/// A topic of at most [`TOPIC_SEGMENTS_MAX`] segments.
pub(super) struct TopicView {
    numbers: [u32; TOPIC_SEGMENTS_MAX],
    len: usize,
    is_reserved: bool,
    /// Where each literal stands, a bit for each segment. Made when the first pattern needs it.
    positions: OnceCell<Box<[(u32, u64); SLOTS]>>,
    /// Made when there are many candidates.
    grams: OnceCell<Box<TopicGrams>>,
    /// Candidates that were to be compared so far.
    candidates: Cell<usize>,
    /// Made when the first pattern needs it.
    signature: OnceCell<u64>,
}

impl TopicView {
    /// None if the topic has more segments: one that a store holds from before there was a bound.
    pub(super) fn new(topic: &Topic, names: &Names) -> Option<Self> {
        let mut numbers = [UNKNOWN; TOPIC_SEGMENTS_MAX];
        let mut len = 0;
        for segment in topic.as_str().split('/') {
            *numbers.get_mut(len)? = names.number(segment);
            len += 1;
        }
        let (positions, grams, signature) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        let candidates = Cell::new(0);
        Some(Self { numbers, len, is_reserved: topic.is_reserved(), positions, grams, candidates, signature })
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_reserved(&self) -> bool {
        self.is_reserved
    }

    pub(super) fn numbers(&self) -> &[u32] {
        &self.numbers[..self.len]
    }

    /// The signature of its literals, for an index of this seed.
    pub(super) fn signature(&self, seed: u64) -> u64 {
        *self.signature.get_or_init(|| signature(self.numbers(), seed))
    }

    /// Where its grams stand, for an index of this seed that has so many candidates more. None if there are few as yet.
    pub(super) fn grams(&self, seed: u64, candidates: usize) -> Option<&TopicGrams> {
        self.candidates.set(self.candidates.get() + candidates);
        let many = self.candidates.get() > CANDIDATES;
        many.then(|| &**self.grams.get_or_init(|| Box::new(TopicGrams::new(self.numbers(), seed))))
    }

    /// Where a literal stands: bit `n` is set if it is segment `n`.
    pub(super) fn positions(&self, number: u32) -> u64 {
        let (numbers, len) = (&self.numbers, self.len);
        let table = self.positions.get_or_init(|| {
            let mut table = Box::new([(UNKNOWN, 0); SLOTS]);
            for (at, number) in numbers[..len].iter().enumerate().filter(|(_, number)| **number != UNKNOWN) {
                let slot = slot(&table, *number);
                table[slot].0 = *number;
                table[slot].1 |= 1 << at;
            }
            table
        });
        table[slot(table, number)].1
    }
}

/// The slot that a number has, or would have.
fn slot(table: &[(u32, u64); SLOTS], number: u32) -> usize {
    // The upper bits of a product with the golden ratio spread numbers that follow each other.
    let mut slot = (number.wrapping_mul(0x9e37_79b9) >> 25) as usize;
    while table[slot].0 != number && table[slot].0 != UNKNOWN {
        slot = (slot + 1) % SLOTS;
    }
    slot
}
