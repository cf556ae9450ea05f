//! What one subscriber must hear next of one topic.

use std::ops::Range;

/// What was heard, and what went wrong.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) delivered: u64,
    pub(super) lost: u64,
    pub(super) repeated: u64,
    pub(super) in_another_order: u64,
    /// Heard, but not published.
    pub(super) strangers: u64,
    /// Gaps that the hub declared.
    pub(super) gaps: u64,
    /// Streams that began, and how many of them resumed.
    pub(super) streams: u64,
    pub(super) resumed: u64,
    pub(super) stalls: u64,
    /// Subscribers that did not hear the end in time.
    pub(super) unfinished: u64,
}

/// The numbers of a topic rise by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    /// Nothing was heard yet of a stream that begins somewhere above the first number; if the stream has begun, not
    /// above the second.
    First { above: u64, at_most: Option<u64> },
    /// This number, and what was jumped over before it.
    Next { number: u64, skipped: Range<u64> },
}

impl Expected {
    /// Of a stream that begins now, when so many are acknowledged.
    pub(super) const fn live(acknowledged: u64) -> Self {
        Self::First { above: acknowledged, at_most: None }
    }

    pub(super) const fn exactly(number: u64) -> Self {
        Self::Next { number, skipped: 0..0 }
    }

    /// The stream has begun. One event may have been under way then, and have come just before; the one after it was
    /// published later, and has to be heard.
    pub(super) fn begin(&mut self, acknowledged: u64) {
        if let Self::First { at_most: at_most @ None, .. } = self {
            *at_most = Some(acknowledged + 2);
        }
    }

    /// The hub said that events are gone.
    pub(super) fn allow_gap(&mut self) {
        *self = Self::First {
            above: match self {
                Self::First { above, .. } => *above,
                Self::Next { number, .. } => *number - 1,
            },
            at_most: Some(u64::MAX),
        };
    }

    pub(super) fn hear(&mut self, heard: u64, tally: &mut Tally) {
        tally.delivered += 1;
        match self {
            Self::First { above, .. } if heard <= *above => tally.repeated += 1,
            Self::First { at_most, .. } => {
                let first = at_most.map_or(heard, |at_most| at_most.min(heard));
                tally.lost += heard - first;
                *self = Self::Next { number: heard + 1, skipped: first..heard };
            }
            Self::Next { skipped, .. } if skipped.contains(&heard) => tally.in_another_order += 1,
            Self::Next { number, .. } if heard < *number => tally.repeated += 1,
            Self::Next { number, .. } => {
                tally.lost += heard - *number;
                *self = Self::Next { number: heard + 1, skipped: *number..heard };
            }
        }
    }

    /// How many are still to be heard, when so many were published.
    pub(super) fn missing(&self, published: u64) -> u64 {
        match self {
            Self::First { at_most, .. } => {
                at_most.map_or(0, |at_most| (published + 1).saturating_sub(at_most))
            }
            Self::Next { number, .. } => (published + 1).saturating_sub(*number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(expected: &mut Expected, numbers: &[u64]) -> [u64; 4] {
        let mut tally = Tally::default();
        numbers.iter().for_each(|number| expected.hear(*number, &mut tally));
        [tally.delivered, tally.lost, tally.repeated, tally.in_another_order]
    }

    #[test]
    fn numbers_that_rise_by_one_are_right() {
        assert_eq!(hear(&mut Expected::exactly(1), &[1, 2, 3]), [3, 0, 0, 0]);
    }

    #[test]
    fn a_hole_is_a_loss_and_what_comes_twice_is_repeated() {
        assert_eq!(hear(&mut Expected::exactly(1), &[1, 4, 5, 5, 1]), [5, 2, 2, 0]);
    }

    #[test]
    fn what_was_jumped_over_and_comes_later_is_out_of_order() {
        assert_eq!(hear(&mut Expected::exactly(1), &[1, 3, 2, 4]), [4, 1, 0, 1]);
    }

    #[test]
    fn a_live_stream_may_miss_what_was_under_way_and_no_more() {
        let mut expected = Expected::live(7);
        expected.begin(9);

        assert_eq!(hear(&mut expected.clone(), &[8, 9]), [2, 0, 0, 0]);
        assert_eq!(hear(&mut expected.clone(), &[11, 12]), [2, 0, 0, 0]);
        assert_eq!(hear(&mut expected.clone(), &[12]), [1, 1, 0, 0]);
        assert_eq!(hear(&mut expected, &[7]), [1, 0, 1, 0]);
    }

    #[test]
    fn after_a_declared_gap_any_later_number_is_right() {
        let mut expected = Expected::exactly(4);
        expected.allow_gap();

        assert_eq!(hear(&mut expected.clone(), &[3]), [1, 0, 1, 0]);
        assert_eq!(hear(&mut expected, &[90, 91]), [2, 0, 0, 0]);
    }

    #[test]
    fn what_was_published_and_not_heard_is_missing() {
        let mut live = Expected::live(7);
        live.begin(9);

        assert_eq!(live.missing(10), 0);
        assert_eq!(live.missing(12), 2);
        assert_eq!(Expected::exactly(5).missing(4), 0);
        assert_eq!(Expected::exactly(5).missing(6), 2);
    }
}
