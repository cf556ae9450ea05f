//! Search among entries that are sorted by hash. Hashes are uniform, so the place of one can be guessed to within
//! a page or two.

use std::ops::Range;

use crate::file::fault::Fault;
use crate::file::record::number::u64_at;
use crate::limits::{INDEX_ENTRIES_PER_READ, INDEX_GUESSES_MAX};

/// Entries of some bytes each, sorted by the hash that they begin with.
pub(crate) struct Sorted<'a> {
    pub(crate) len: u32,
    pub(crate) entry_bytes: usize,
    /// Reads a range of entries.
    pub(crate) read: &'a dyn Fn(Range<u32>) -> Result<Vec<u8>, Fault>,
}

impl Sorted<'_> {
    /// All entries of a hash, in order.
    pub(crate) fn find(&self, hash: u64) -> Result<Vec<Vec<u8>>, Fault> {
        let mut found = Vec::new();
        let mut at = self.rank(hash)?;
        while at < self.len {
            let end = self.len.min(at + INDEX_ENTRIES_PER_READ);
            let bytes = (self.read)(at..end)?;
            let entries = bytes.chunks_exact(self.entry_bytes);
            let before = found.len();
            found.extend(entries.take_while(|entry| u64_at(entry, 0) == hash).map(<[u8]>::to_vec));
            if found.len() - before < (end - at) as usize {
                break;
            }
            at = end;
        }
        Ok(found)
    }

    /// Where the entries of a hash are.
    pub(crate) fn range(&self, hash: u64) -> Result<Range<u32>, Fault> {
        let start = self.rank(hash)?;
        // Nearly all hashes have one entry or none.
        let near = (self.read)(start..self.len.min(start.saturating_add(2)))?;
        let same = near.chunks_exact(self.entry_bytes).take_while(|entry| u64_at(entry, 0) == hash).count();
        let end = match (same, hash.checked_add(1)) {
            (0 | 1, _) => start + same as u32,
            (_, Some(next)) => self.rank(next)?,
            (_, None) => self.len,
        };
        // Entries that are not in order lead anywhere.
        Ok(start..end.max(start))
    }

    /// How many entries have a lesser hash.
    fn rank(&self, hash: u64) -> Result<u32, Fault> {
        // The answer is always in low..=high, and between the two hashes.
        let (mut low, mut high) = (0, self.len);
        let (mut low_hash, mut high_hash) = (0, u64::MAX);
        let mut guesses = 0;
        while low < high {
            let guess = match guesses < INDEX_GUESSES_MAX {
                true => guess(hash, low_hash..high_hash, high - low),
                false => (high - low) / 2,
            };
            guesses += 1;
            let start = (low + guess)
                .saturating_sub(INDEX_ENTRIES_PER_READ / 2)
                .clamp(low, high - INDEX_ENTRIES_PER_READ.min(high - low));
            let end = high.min(start + INDEX_ENTRIES_PER_READ);
            let bytes = (self.read)(start..end)?;
            let hashes: Vec<_> = bytes.chunks_exact(self.entry_bytes).map(|entry| u64_at(entry, 0)).collect();
            let (Some(first), Some(last)) = (hashes.first(), hashes.last()) else { return Ok(low) };
            if *first >= hash {
                (high, high_hash) = (start, *first);
            } else if *last < hash {
                (low, low_hash) = (end, *last);
            } else {
                return Ok(start + hashes.partition_point(|other| *other < hash) as u32);
            }
        }
        Ok(low)
    }
}

/// How far into a range of entries a hash is, if they are evenly spread.
fn guess(hash: u64, hashes: Range<u64>, entries: u32) -> u32 {
    let span = u128::from(hashes.end.saturating_sub(hashes.start)).max(1);
    let part = u128::from(hash.saturating_sub(hashes.start));
    (part * u128::from(entries) / span).min(u128::from(entries)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;

    fn find(hashes: &[u64], hash: u64) -> (Vec<u32>, u32) {
        let reads = Cell::new(0);
        let read = |range: Range<u32>| {
            reads.set(reads.get() + 1);
            let entries = range.map(|at| (hashes[at as usize], at));
            Ok(entries.flat_map(|(hash, at)| [&hash.to_le_bytes()[..], &at.to_le_bytes()].concat()).collect())
        };
        let sorted = Sorted { len: hashes.len() as u32, entry_bytes: 12, read: &read };
        let found = sorted.find(hash).unwrap();
        (found.iter().map(|entry| crate::file::record::number::u32_at(entry, 8)).collect(), reads.get())
    }

    fn range(hashes: &[u64], hash: u64) -> Range<u32> {
        let read = |range: Range<u32>| Ok(range.flat_map(|at| hashes[at as usize].to_le_bytes()).collect());
        Sorted { len: hashes.len() as u32, entry_bytes: 8, read: &read }.range(hash).unwrap()
    }

    #[test]
    fn a_hash_among_a_million_is_found_in_a_few_reads() {
        let spread = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (n << 7);
        let mut hashes: Vec<_> = (1..=1_000_000).map(spread).collect();
        hashes.sort_unstable();

        for at in (0..1_000_000).step_by(9_999) {
            let (found, reads) = find(&hashes, hashes[at]);
            assert!(found.contains(&(at as u32)));
            assert!(reads <= 5, "{reads} reads for the entry {at}");
        }
    }

    #[test]
    fn many_entries_of_one_hash_are_found_in_bounded_reads() {
        let mut hashes = vec![7; 100_000];
        hashes.extend(std::iter::repeat_n(8, 100_000));

        assert_eq!(find(&hashes, 6).0, []);
        assert_eq!(find(&hashes, 9).0, []);
        let (found, reads) = find(&hashes, 8);
        assert_eq!(found, (100_000..200_000).collect::<Vec<_>>());
        assert!(reads < 100_000 / INDEX_ENTRIES_PER_READ + 20, "{reads} reads");
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_is_there(
            mut hashes in prop::collection::vec(prop_oneof![0..50_u64, any::<u64>()], 0..2_000),
            hash in prop_oneof![0..50_u64, any::<u64>()],
        ) {
            hashes.sort_unstable();
            let expected: Vec<_> = (0_u32..).zip(&hashes).filter(|(_, other)| **other == hash).collect();

            let (found, _) = find(&hashes, hash);

            let expected: Vec<_> = expected.into_iter().map(|(at, _)| at).collect();
            prop_assert_eq!(range(&hashes, hash).collect::<Vec<_>>(), &expected[..]);
            prop_assert_eq!(found, expected);
        }
    }
}
