//! The idempotency keys that the store remembers.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tidings_core::limits::IDEMPOTENCY_KEYS_MAX;
use tidings_core::{AsIs, Sequence};

use super::fault::Fault;
use super::segment::{IndexState, Segment};

/// The newest keys, by hash. Whether an event really has the key must be looked up. A batch has one key, at the newest of
/// its parts.
#[derive(Default)]
pub(crate) struct Keys {
    places: HashMap<u64, Sequence, AsIs>,
    /// Oldest first. A key that came again is in it more than once, and the last time counts.
    order: VecDeque<(u64, Sequence)>,
}

impl Keys {
    /// The newest keys of all segments. Reads the tables of as few segments as have them.
    pub(crate) fn of(segments: &[Arc<Segment>]) -> Result<Self, Fault> {
        let mut keys = Self::default();
        'newest_first: for segment in segments.iter().rev() {
            let found = match &segment.index_state {
                IndexState::Growing(index) => index.entries().newest_keys(),
                IndexState::Sealed(index) => index.keys()?,
            };
            for (at, hash) in found.into_iter().rev() {
                if keys.places.len() == IDEMPOTENCY_KEYS_MAX {
                    break 'newest_first;
                }
                let sequence = Sequence(segment.base().0 + u64::from(at));
                if let Entry::Vacant(unknown) = keys.places.entry(hash) {
                    unknown.insert(sequence);
                    keys.order.push_front((hash, sequence));
                }
            }
        }
        Ok(keys)
    }

    /// Remembers a key; the oldest is forgotten when there are too many.
    pub(crate) fn remember(&mut self, hash: u64, sequence: Sequence) {
        self.places.insert(hash, sequence);
        self.order.push_back((hash, sequence));
        while self.places.len() > IDEMPOTENCY_KEYS_MAX {
            let Some((oldest, at)) = self.order.pop_front() else { return };
            // A key that came again is not the oldest.
            if self.places.get(&oldest) == Some(&at) {
                self.places.remove(&oldest);
            }
        }
        if self.order.len() >= 2 * IDEMPOTENCY_KEYS_MAX {
            // At least half of it is of keys that came again, so this is seldom.
            let places = &self.places;
            self.order.retain(|(hash, at)| places.get(hash) == Some(at));
        }
    }

    /// The event that may have the key.
    pub(crate) fn find(&self, hash: u64) -> Option<Sequence> {
        self.places.get(&hash).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u64 = IDEMPOTENCY_KEYS_MAX as u64;

    #[test]
    fn the_oldest_key_is_forgotten_and_a_repeated_one_is_not() {
        let mut keys = Keys::default();
        (1..=MAX).for_each(|n| keys.remember(n, Sequence(n)));

        keys.remember(2, Sequence(MAX + 1));
        assert_eq!(keys.find(1), Some(Sequence(1)), "a key that comes again takes the place of no other");
        keys.remember(MAX + 1, Sequence(MAX + 2));
        keys.remember(MAX + 2, Sequence(MAX + 3));

        assert_eq!(keys.find(1), None);
        assert_eq!(keys.find(2), Some(Sequence(MAX + 1)));
        assert_eq!(keys.find(3), None);
        assert_eq!(keys.find(4), Some(Sequence(4)));
        assert_eq!(keys.places.len(), IDEMPOTENCY_KEYS_MAX);
    }

    #[test]
    fn a_batch_of_any_number_of_parts_is_one_key_and_bounded_memory() {
        let mut keys = Keys::default();
        (1..MAX).for_each(|n| keys.remember(n, Sequence(n)));

        for part in 0..5 * MAX {
            keys.remember(0, Sequence(MAX + part));
            assert!(keys.order.len() <= 2 * IDEMPOTENCY_KEYS_MAX);
        }

        assert_eq!(keys.find(1), Some(Sequence(1)));
        assert_eq!(keys.find(0), Some(Sequence(6 * MAX - 1)));
    }
}
