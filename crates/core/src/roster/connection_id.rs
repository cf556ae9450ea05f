//! The id of a connection: a subscriber's name, made when it is counted, so that its first bytes can tell it.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::Epoch;
use crate::limits::ID_STEP_MAX;

/// A subscriber's name for as long as it is subscribed; no other one has it, also after a restart or on another node.
///
/// Later subscribers of one hub have larger ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(u64);

/// All ids that hubs give are as long as this one, so that their texts are in the order of the ids.
const FIRST_OF_13_DIGITS: u64 = 36_u64.pow(12);

/// The ids that a hub gives: from a random one on, each a random step larger than the one before, so that a subscriber cannot
/// tell those of its neighbours from its own.
pub(super) struct ConnectionIds {
    next: AtomicU64,
    steps: RandomState,
}

impl ConnectionId {
    /// The id of a number, for subscribers that no hub has counted.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

impl ConnectionIds {
    pub(super) fn new() -> Self {
        let steps = RandomState::new();
        // Each `RandomState` has another key. Two bits are left out: that is room for 2 to the power of 38 steps.
        Self { next: AtomicU64::new(FIRST_OF_13_DIGITS + (steps.hash_one(()) >> 2)), steps }
    }

    pub(super) fn next(&self) -> ConnectionId {
        let step = 1 + self.steps.hash_one(self.next.load(Ordering::Relaxed)) % ID_STEP_MAX;
        ConnectionId(self.next.fetch_add(step, Ordering::Relaxed))
    }
}

impl fmt::Display for ConnectionId {
    /// Digits and small letters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Epoch(self.0).fmt(f)
    }
}

impl FromStr for ConnectionId {
    type Err = NotAConnectionId;

    fn from_str(text: &str) -> Result<Self, NotAConnectionId> {
        let id = u64::from_str_radix(text, 36).map(Self).map_err(|_| NotAConnectionId)?;
        if id.to_string() == text { Ok(id) } else { Err(NotAConnectionId) }
    }
}

/// The text is no connection's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a connection's id is of digits and small letters")]
pub struct NotAConnectionId;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_hub_grow_and_those_of_two_hubs_differ() {
        let (one, other) = (ConnectionIds::new(), ConnectionIds::new());
        let of_one: Vec<_> = (0..1_000).map(|_| one.next()).collect();

        assert!(of_one.is_sorted_by(|id, next| id < next));
        assert!(!of_one.contains(&other.next()));
        // Also one that knows its own id and the way in which ids are given would guess in vain.
        let mut steps: Vec<_> = of_one.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        steps.sort_unstable();
        steps.dedup();
        assert!(steps.len() > 900 && steps[998.min(steps.len() - 1)] > ID_STEP_MAX / 2, "{steps:?}");
        let texts: Vec<_> = of_one.iter().map(ConnectionId::to_string).collect();
        assert!(texts.is_sorted() && texts.iter().all(|text| text.len() == 13), "{texts:?}");
    }

    #[test]
    fn the_text_of_an_id_is_read_back_and_no_other_text_is_an_id() {
        for id in [0, 35, 36, u64::MAX].map(ConnectionId::new) {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for text in ["", "A", "+1", "01", "-1", "a b", "zzzzzzzzzzzzzz", "\u{e9}"] {
            assert_eq!(text.parse::<ConnectionId>(), Err(NotAConnectionId), "{text:?}");
        }
    }
}
