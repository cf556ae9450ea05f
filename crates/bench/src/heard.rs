//! What one subscriber of a benchmark has heard, in three words: enough to see that something is missing, twice or in
//! another order, without a list for each of thousands.

/// What was heard.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Heard {
    pub(super) count: u64,
    /// Depends on which events were heard, and how often, but not on their order.
    set: u64,
    /// Depends on their order, too.
    sequence: u64,
}

impl Heard {
    /// All events, once and in order.
    pub(super) fn all(events: u64) -> Self {
        let mut all = Self::default();
        (0..events).for_each(|event| all.hear(event));
        all
    }

    pub(super) fn hear(&mut self, event: u64) {
        self.count += 1;
        self.set = self.set.wrapping_add(scattered(event));
        self.sequence = self.sequence.wrapping_mul(0x0100_0000_01b3) ^ event;
    }

    /// At least so many did not come.
    pub(super) fn lost_of(&self, all: &Self) -> u64 {
        all.count.saturating_sub(self.count).max(u64::from(self.is_amiss(all) && self.count <= all.count))
    }

    /// At least so many came more than once.
    pub(super) fn repeated_of(&self, all: &Self) -> u64 {
        self.count.saturating_sub(all.count).max(u64::from(self.is_amiss(all) && self.count == all.count))
    }

    /// Something is missing, or twice.
    fn is_amiss(&self, all: &Self) -> bool {
        self.set != all.set
    }

    pub(super) fn differs_in_order(&self, other: &Self) -> bool {
        self.sequence != other.sequence
    }
}

/// The finaliser of SplitMix64: sums of such numbers are not alike by chance.
fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(events: &[u64]) -> (u64, u64, bool) {
        let (all, mut heard) = (Heard::all(5), Heard::default());
        events.iter().for_each(|event| heard.hear(*event));
        (heard.lost_of(&all), heard.repeated_of(&all), heard.differs_in_order(&all))
    }

    #[test]
    fn what_is_missing_or_twice_or_in_another_order_is_seen() {
        assert_eq!(heard(&[0, 1, 2, 3, 4]), (0, 0, false));
        assert_eq!(heard(&[0, 1, 3, 2, 4]), (0, 0, true));
        assert_eq!(heard(&[0, 2, 4]), (2, 0, true));
        assert_eq!(heard(&[0, 1, 2, 2, 3, 4]), (0, 1, true));
    }

    #[test]
    fn one_that_is_twice_does_not_hide_one_that_is_missing() {
        assert_eq!(heard(&[0, 1, 1, 3, 4]), (1, 1, true));
        assert_eq!(heard(&[0, 2, 2, 2, 4]), (1, 1, true));
    }
}
