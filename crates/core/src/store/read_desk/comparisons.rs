//! Counts comparisons of topics with patterns, until they are work to be charged for.

use crate::limits::COMPARED_SEGMENTS_PER_UNIT;
use crate::select::Selectors;

/// Segments of topics that were compared with the patterns of one query.
#[derive(Debug)]
pub struct Comparisons {
    patterns: u64,
    /// Those that are no whole unit yet, or were not taken as one.
    compared: u64,
}

impl Comparisons {
    /// None so far, with the patterns among some selectors. Topics among them cost nothing to speak of.
    pub fn with(selectors: &Selectors) -> Self {
        let patterns = selectors.iter().filter(|selector| selector.topic().is_none()).count() as u64;
        Self { patterns, compared: 0 }
    }

    /// Counts that a topic was compared with each of the patterns.
    pub fn add(&mut self, topic: &str) {
        if self.patterns > 0 {
            self.compared += self.patterns * topic.split('/').count() as u64;
        }
    }

    /// The work since units were taken last.
    pub fn units(&self) -> u64 {
        self.compared / COMPARED_SEGMENTS_PER_UNIT
    }

    /// Takes the work since this was asked last. What is less than a unit is kept for the next time.
    pub fn take_units(&mut self) -> u64 {
        let units = self.units();
        self.compared %= COMPARED_SEGMENTS_PER_UNIT;
        units
    }
}
