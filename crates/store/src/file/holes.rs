//! Holes: events of the log whose records are not there or cannot be read.
//!
//! A disk may change or lose bytes, and somebody may take a file away. What is left stays in the log, each event in its place, and what
//! is gone is a hole between two of them: whoever wants to read across it is told.

use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, PoisonError, RwLock};

use tidings_core::Sequence;

use super::log::LogView;

/// The records of a segment that cannot be read, by ordinal. A segment may get one while it is read.
#[derive(Default)]
pub(crate) struct Holes(RwLock<Arc<[Range<u32>]>>);

impl Holes {
    /// Holes in order, with a record between any two of them. One that is empty says that something of the segment is lost which is no event.
    pub(crate) fn of(holes: Vec<Range<u32>>) -> Self {
        Self(RwLock::new(holes.into()))
    }

    pub(crate) fn now(&self) -> Arc<[Range<u32>]> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set(&self, holes: Vec<Range<u32>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = holes.into();
    }
}

/// Whether an ordinal is in one of some holes.
pub(crate) fn is_in(holes: &[Range<u32>], ordinal: u32) -> bool {
    let at = holes.partition_point(|hole| hole.end <= ordinal);
    holes.get(at).is_some_and(|hole| hole.contains(&ordinal))
}

/// The parts of a range of ordinals that are in no hole.
pub(crate) fn between(range: Range<u32>, holes: &[Range<u32>]) -> Vec<Range<u32>> {
    let mut parts = Vec::with_capacity(holes.len() + 1);
    let mut start = range.start;
    let within = |hole: &&Range<u32>| !hole.is_empty() && hole.end > range.start && hole.start < range.end;
    for hole in holes.iter().filter(within) {
        if hole.start > start {
            parts.push(start..hole.start);
        }
        start = hole.end;
    }
    if start < range.end {
        parts.push(start..range.end);
    }
    parts
}

/// Ordinals that ascend, as ranges.
pub(crate) fn ranges(ordinals: impl IntoIterator<Item = u32>) -> Vec<Range<u32>> {
    let mut ranges: Vec<Range<u32>> = Vec::new();
    for ordinal in ordinals {
        match ranges.last_mut() {
            Some(range) if range.end == ordinal => range.end += 1,
            _ => ranges.push(ordinal..ordinal + 1),
        }
    }
    ranges
}

/// All holes of a log, oldest first: events from the earliest one held to the head that cannot be read.
pub(crate) fn of_log(view: &LogView) -> Vec<RangeInclusive<Sequence>> {
    let mut holes = Vec::new();
    let mut next = view.earliest();
    for span in view.readable_after(next.previous()) {
        let first = span.sequence(span.start);
        if first > next {
            holes.push(next..=first.previous());
        }
        next = span.sequence(span.end);
    }
    if next <= view.head {
        holes.push(next..=view.head);
    }
    holes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::single_range_in_vec_init, reason = "one part is a list of parts, too")]
    #[test]
    fn what_is_between_holes_is_whole() {
        let holes = [2..4, 5..6, 9..20];
        assert_eq!(between(0..12, &holes), [0..2, 4..5, 6..9]);
        assert_eq!(between(3..5, &holes), [4..5]);
        assert_eq!(between(2..4, &holes), []);
        assert_eq!(between(20..22, &holes), [20..22]);
        assert_eq!(between(7..8, &[]), [7..8]);
        assert_eq!(between(7..7, &[]), []);
    }

    #[test]
    fn an_ordinal_is_in_a_hole_or_beside_it() {
        let holes = ranges([2, 3, 5, 9, 10]);
        assert_eq!(holes, [2..4, 5..6, 9..11]);
        let inside: Vec<_> = (0..12).filter(|ordinal| is_in(&holes, *ordinal)).collect();
        assert_eq!(inside, [2, 3, 5, 9, 10]);
    }
}
