//! What each name uses, in bounded memory.
//!
//! The names of a table are divided among shards by their hash, so that no two requests wait for each other for long. A shard that is
//! full looks at some of its uses, each time at the next ones, and forgets one that nothing is lost with: no stream, and
//! nothing used of any rate. If it finds none, it forgets the one without streams that will be so first; that name can use
//! a little more than its share. Whoever has a stream is never forgotten. So a flood of addresses costs the hub a few looks
//! each, and takes from others nothing at all.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::bucket::Bucket;
use crate::limits::{SHARES_LOOKED_AT, SHARES_MAX, SHARES_SHARDS};

/// What one name uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Use {
    pub(super) streams: u32,
    pub(super) connects: Bucket,
    pub(super) publishes: Bucket,
    pub(super) bytes: Bucket,
}

#[derive(Debug)]
pub(super) struct Table {
    shards: Vec<Mutex<Shard>>,
}

/// A part of the names.
#[derive(Debug)]
pub(super) struct Shard {
    uses_max: usize,
    places: HashMap<u64, u32>,
    uses: Vec<(u64, Use)>,
    /// Where it looks next for one to forget.
    hand: usize,
}

impl Default for Table {
    fn default() -> Self {
        let shard = || Mutex::new(Shard::new(SHARES_MAX / SHARES_SHARDS));
        Self { shards: std::iter::repeat_with(shard).take(SHARES_SHARDS).collect() }
    }
}

impl Table {
    /// The shard of a name.
    pub(super) fn shard(&self, id: u64) -> MutexGuard<'_, Shard> {
        let shard = &self.shards[(id >> 32) as usize % SHARES_SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn new(uses_max: usize) -> Self {
        Self { uses_max, places: HashMap::new(), uses: Vec::new(), hand: 0 }
    }

    /// What a name uses. None if there is no room for another name: then it is not counted.
    pub(super) fn usage(&mut self, id: u64, now: u64) -> Option<&mut Use> {
        let place = match self.places.get(&id) {
            Some(place) => *place as usize,
            None => self.begin(id, now)?,
        };
        Some(&mut self.uses[place].1)
    }

    /// A stream of a name has ended.
    pub(super) fn end_stream(&mut self, id: u64) {
        if let Some(place) = self.places.get(&id) {
            let streams = &mut self.uses[*place as usize].1.streams;
            *streams = streams.saturating_sub(1);
        }
    }

    fn begin(&mut self, id: u64, now: u64) -> Option<usize> {
        let place = if self.uses.len() < self.uses_max {
            self.uses.push((id, Use::default()));
            self.uses.len() - 1
        } else {
            let place = self.forgettable(now)?;
            self.places.remove(&self.uses[place].0);
            self.uses[place] = (id, Use::default());
            place
        };
        self.places.insert(id, u32::try_from(place).ok()?);
        Some(place)
    }

    fn forgettable(&mut self, now: u64) -> Option<usize> {
        let mut best: Option<(u64, usize)> = None;
        for _ in 0..SHARES_LOOKED_AT.min(self.uses.len()) {
            let place = self.hand;
            self.hand = (self.hand + 1) % self.uses.len();
            let usage = &self.uses[place].1;
            if usage.streams > 0 {
                continue;
            }
            let unused_from = usage.unused_from();
            if unused_from <= now {
                return Some(place);
            }
            if best.is_none_or(|(first, _)| unused_from < first) {
                best = Some((unused_from, place));
            }
        }
        best.map(|(_, place)| place)
    }
}

impl Use {
    fn unused_from(&self) -> u64 {
        let Self { connects, publishes, bytes, .. } = self;
        connects.unused_from().max(publishes.unused_from()).max(bytes.unused_from())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A full shard whose names 0, 1, ... use something until 100, 200, ...
    fn full(uses_max: usize) -> Shard {
        let mut shard = Shard::new(uses_max);
        for id in 0..uses_max as u64 {
            shard.usage(id, 0).unwrap().publishes.take((id + 1) * 100, 0, 1);
        }
        shard
    }

    fn names(shard: &Shard) -> Vec<u64> {
        let mut names: Vec<_> = shard.places.keys().copied().collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_name_that_uses_nothing_is_forgotten_first_and_no_more_than_one() {
        let mut shard = full(4);
        shard.usage(0, 0).unwrap().publishes.take(1_000, 0, 1);

        shard.usage(9, 200).unwrap();

        assert_eq!(names(&shard), [0, 2, 3, 9]);
        assert_eq!(shard.uses.len(), 4);
    }

    #[test]
    fn a_name_with_a_stream_is_never_forgotten_and_without_room_another_is_not_counted() {
        let mut shard = full(4);
        for id in [0, 1, 3] {
            shard.usage(id, 0).unwrap().streams = 1;
        }

        for stranger in 10..1_000 {
            shard.usage(stranger, 0).unwrap();
        }
        assert_eq!(names(&shard), [0, 1, 3, 999]);
        shard.usage(999, 0).unwrap().streams = 1;
        assert_eq!(shard.usage(1_000, 1_000_000), None);

        shard.end_stream(3);
        assert!(shard.usage(1_000, 1_000_000).is_some());
        assert_eq!(names(&shard), [0, 1, 999, 1_000]);
    }

    #[test]
    fn while_all_use_something_the_one_goes_that_uses_the_least() {
        let mut shard = full(4);

        shard.usage(9, 0).unwrap().bytes.take(10_000, 0, 1);
        assert_eq!(names(&shard), [1, 2, 3, 9]);
        shard.usage(10, 0).unwrap().connects.take(20_000, 0, 1);

        assert_eq!(names(&shard), [2, 3, 9, 10]);
    }

    #[test]
    fn a_flood_of_names_grows_no_further_than_the_bound() {
        let table = Table::default();
        for id in 0..2 * SHARES_MAX as u64 {
            // As a hash would spread them.
            let id = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            table.shard(id).usage(id, 0).unwrap().publishes.take(id >> 8, 0, 1);
        }

        let counts: Vec<_> = table.shards.iter().map(|shard| shard.lock().unwrap().uses.len()).collect();
        assert_eq!(counts, [SHARES_MAX / SHARES_SHARDS; SHARES_SHARDS]);
    }
}
