//! Counts what a reading does, until it is charged for.

use crate::limits::{MEMORY_LOOKS_PER_UNIT, MEMORY_STEP_UNITS};
use crate::read_desk::Comparisons;
use crate::select::Selectors;

/// Work that was not charged yet.
pub(super) struct Work {
    /// Small things, of which [`MEMORY_LOOKS_PER_UNIT`] are a unit.
    looks: u64,
    comparisons: Comparisons,
}

impl Work {
    pub(super) fn new(selectors: &Selectors) -> Self {
        Self { looks: 0, comparisons: Comparisons::with(selectors) }
    }

    pub(super) fn add(&mut self, looks: u64) {
        self.looks += looks;
    }

    /// Counts that a topic was compared with each of the patterns.
    pub(super) fn compare(&mut self, topic: &str) {
        self.comparisons.add(topic);
    }

    /// Whether it is time to charge for it.
    pub(super) fn is_step(&self) -> bool {
        self.looks / MEMORY_LOOKS_PER_UNIT + self.comparisons.units() >= MEMORY_STEP_UNITS
    }

    /// The units since they were taken last. What is less than a unit is kept for the next time.
    pub(super) fn take_units(&mut self) -> u64 {
        let units = self.looks / MEMORY_LOOKS_PER_UNIT;
        self.looks %= MEMORY_LOOKS_PER_UNIT;
        units + self.comparisons.take_units()
    }
}
