//! Gathering: how many appends a sync is kept waiting for.
//!
//! A sync costs as much for one append as for a hundred. Publishers who were answered together mostly come back together,
//! so after a group that many shared, the writer waits a moment for as many again, instead of syncing the first few of
//! them. Few publishers are never kept waiting, and a wait that was in vain is not repeated soon.

use crate::limits::{GATHER_RESTS, GATHER_SHARED_MIN, GATHER_VAIN_SHARE, GATHERED_MAX};

/// What the last groups say of the next.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    expected: usize,
    rests: u32,
}

impl Gathering {
    /// Notes that a group of so many is about to be answered, while so many others wait.
    pub(crate) fn answering(&mut self, answered: usize, waiting: usize) {
        self.rests = self.rests.saturating_sub(1);
        let shared = answered >= GATHER_SHARED_MIN && self.rests == 0;
        self.expected = if shared { (answered + waiting).min(GATHERED_MAX) } else { 0 };
    }

    /// How many appends are worth a wait.
    pub(crate) fn expected(&self) -> usize {
        self.expected
    }

    /// Notes how many there were after a wait.
    pub(crate) fn gathered(&mut self, count: usize) {
        if count < self.expected.div_ceil(GATHER_VAIN_SHARE) {
            self.rests = GATHER_RESTS;
        }
        self.expected = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_were_answered_are_expected_back_beside_those_who_wait() {
        let mut gathering = Gathering::default();

        gathering.answering(20, 5);

        assert_eq!(gathering.expected(), 25);
    }

    #[test]
    fn few_are_not_waited_for() {
        let mut gathering = Gathering::default();

        gathering.answering(GATHER_SHARED_MIN - 1, 100);

        assert_eq!(gathering.expected(), 0);
    }

    #[test]
    fn no_more_are_waited_for_than_make_a_difference() {
        let mut gathering = Gathering::default();

        gathering.answering(1_000, 1_000);

        assert_eq!(gathering.expected(), GATHERED_MAX);
    }

    #[test]
    fn a_wait_in_vain_is_not_repeated_soon() {
        let mut gathering = Gathering::default();
        gathering.answering(20, 0);
        gathering.gathered(4);

        let waits = (0..GATHER_RESTS + 1).map(|_| {
            gathering.answering(20, 0);
            gathering.expected()
        });

        let waits: Vec<_> = waits.collect();
        assert!(waits[..GATHER_RESTS as usize - 1].iter().all(|expected| *expected == 0), "{waits:?}");
        assert_eq!(waits[GATHER_RESTS as usize], 20);
    }

    #[test]
    fn a_wait_for_a_quarter_is_worth_another() {
        let mut gathering = Gathering::default();
        gathering.answering(20, 0);
        gathering.gathered(5);

        gathering.answering(10, 0);

        assert_eq!(gathering.expected(), 10);
    }
}
