//! Signatures: bits that tell which literals a row of segments may have.

use super::gram::mix;
use super::names::{ONE_SEGMENT, UNKNOWN};

/// A bit for each literal of a row of segments. A topic that matches a pattern has all bits that the pattern has. The seed is
/// the index's secret, so that nobody chooses literals by their bits.
pub(super) fn signature(numbers: &[u32], seed: u64) -> u64 {
    let literals = numbers.iter().filter(|number| !matches!(**number, UNKNOWN | ONE_SEGMENT));
    literals.fold(0, |signature, number| signature | 1 << (mix(seed, u64::from(*number)) >> 58))
}
