//! The search for line ends, which both sides do most of their time.

mod block;

use memchr::memchr2;

pub(crate) use block::{BLOCK_BYTES, line_ends, may_end_line};

/// Up to here a search without a call is faster than one with the widest vectors of the machine.
const NEAR_BYTES: usize = 128;

/// Where the first CR or LF is.
#[inline(always)]
pub(crate) fn line_end(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [] => None,
        [b'\n' | b'\r', ..] => Some(0),
        bytes => find(bytes),
    }
}

/// How many CRs and LFs there are, and how many of them are one line end together.
pub(crate) fn count(bytes: &[u8]) -> (usize, usize) {
    let ends = bytes.chunks(CHUNK_BYTES).map(|chunk| usize::from(count_chunk(chunk))).sum();
    let is_pair = |at: &usize| bytes.get(at + 1) == Some(&b'\n');
    let pairs = memchr::memchr_iter(b'\r', bytes).filter(is_pair).count();
    (ends, pairs)
}

/// Whether there is a NUL.
#[inline]
pub(crate) fn has_nul(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk() else {
        return bytes.contains(&0);
    };
    let (words, _) = bytes.as_chunks();
    has_nul_in(*last) || words.iter().any(|word| has_nul_in(*word))
}

/// A byte borrows from its neighbour when it is zero, or when it is one and has been borrowed from.
#[inline]
fn has_nul_in(word: [u8; 8]) -> bool {
    let word = u64::from_le_bytes(word);
    const LOWEST: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGHEST: u64 = u64::from_le_bytes([0x80; 8]);
    word.wrapping_sub(LOWEST) & !word & HIGHEST != 0
}

/// As many as a byte can count, and a multiple of all vector sizes.
const CHUNK_BYTES: usize = 192;

/// Counts in bytes, so that the compiler counts in whole vectors.
#[inline]
fn count_chunk(chunk: &[u8]) -> u8 {
    chunk.iter().fold(0, |count, byte| count + u8::from(*byte == b'\n' || *byte == b'\r'))
}

#[inline]
fn find(bytes: &[u8]) -> Option<usize> {
    match bytes.split_at_checked(NEAR_BYTES) {
        None => find_near(bytes),
        Some((near, far)) => find_near(near).or_else(|| Some(NEAR_BYTES + memchr2(b'\n', b'\r', far)?)),
    }
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[inline]
fn find_near(bytes: &[u8]) -> Option<usize> {
    use memchr::arch::x86_64::sse2::memchr::Two;
    match Two::new(b'\n', b'\r') {
        Some(two) => two.find(bytes),
        None => memchr2(b'\n', b'\r', bytes),
    }
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
#[inline]
fn find_near(bytes: &[u8]) -> Option<usize> {
    memchr2(b'\n', b'\r', bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::has_nul;

    proptest! {
        #[test]
        fn a_nul_is_seen_wherever_it_stands(text in prop::collection::vec(prop_oneof![1 => Just(0), 40 => 1_u8..], 0..40)) {
            prop_assert_eq!(has_nul(&text), text.contains(&0));
        }
    }
}
