//! The idempotency keys that the store remembers.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use tidings_core::Sequence;
use tidings_core::limits::IDEMPOTENCY_KEYS_MAX;

use super::fault::Fault;
use super::index::growing::AsIs;
use super::segment::{IndexState, Segment};

/// The newest keys, by hash. Whether an event really has the key must be looked up.
#[derive(Default)]
pub(crate) struct Keys {
    places: HashMap<u64, Sequence, BuildHasherDefault<AsIs>>,
    order: VecDeque<(u64, Sequence)>,
}

impl Keys {
    /// The newest keys of all segments.
    pub(crate) fn of(segments: &[Arc<Segment>]) -> Result<Self, Fault> {
        let mut newest_first = Vec::new();
        for segment in segments.iter().rev() {
            let found = match &segment.index_state {
                IndexState::Growing(index) => index.entries().keys.clone(),
                IndexState::Sealed(index) => index.keys()?,
            };
            let base = segment.base();
            let place = |at: u32| Sequence(base.0 + u64::from(at));
            newest_first.extend(found.into_iter().rev().map(|(at, hash)| (hash, place(at))));
            if newest_first.len() >= IDEMPOTENCY_KEYS_MAX {
                break;
            }
        }
        let mut keys = Self::default();
        newest_first.into_iter().rev().for_each(|(hash, sequence)| keys.remember(hash, sequence));
        Ok(keys)
    }

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
