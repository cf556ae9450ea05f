//! The idempotency keys that the store remembers.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasherDefault;

use tidings_core::Sequence;
use tidings_core::limits::IDEMPOTENCY_KEYS_MAX;

use super::index::growing::AsIs;

/// The newest keys, by hash. Whether an event really has the key must be looked up.
#[derive(Default)]
pub(crate) struct Keys {
    places: HashMap<u64, Sequence, BuildHasherDefault<AsIs>>,
    order: VecDeque<(u64, Sequence)>,
}

impl Keys {
    /// Remembers a key; the oldest is forgotten when there are too many.
    pub(crate) fn remember(&mut self, hash: u64, sequence: Sequence) {
        self.places.insert(hash, sequence);
        self.order.push_back((hash, sequence));
        if self.order.len() <= IDEMPOTENCY_KEYS_MAX {
            return;
        }
        // A hash may have come again since.
        if let Some((hash, sequence)) = self.order.pop_front()
            && self.places.get(&hash) == Some(&sequence)
        {
            self.places.remove(&hash);
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

    #[test]
    fn the_oldest_key_is_forgotten_and_a_repeated_one_is_not() {
        let mut keys = Keys::default();
        keys.remember(1, Sequence(1));
        keys.remember(2, Sequence(2));
        for n in 3..=IDEMPOTENCY_KEYS_MAX as u64 {
            keys.remember(n, Sequence(n));
        }
        let next = IDEMPOTENCY_KEYS_MAX as u64 + 1;

        keys.remember(2, Sequence(next));
        keys.remember(next, Sequence(next + 1));

        assert_eq!(keys.find(1), None);
        assert_eq!(keys.find(2), Some(Sequence(next)));
        assert_eq!(keys.find(3), Some(Sequence(3)));
        assert_eq!(keys.places.len(), IDEMPOTENCY_KEYS_MAX);
    }
}
