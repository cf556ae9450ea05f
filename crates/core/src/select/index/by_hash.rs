//! A table by hashes, which never moves more than some thousand values in order to grow.

use std::collections::HashMap;

use super::shrink::shrink;
use crate::as_is::AsIs;

/// Tables that a large one is made of.
const SHARDS: usize = 256;
/// Values at which one table becomes [`SHARDS`], and below a quarter of which they become one again.
const SPLIT_AT: usize = 4_096;

/// A table whose keys are hashes that nobody can foresee. With a million values, an insertion moves 8,192 of them at most.
pub(super) struct ByHash<V> {
    /// None, one, or [`SHARDS`].
    shards: Vec<HashMap<u64, V, AsIs>>,
    len: usize,
}

impl<V> ByHash<V> {
    /// Sets a value, and returns the one that was there.
    pub(super) fn insert(&mut self, hash: u64, value: V) -> Option<V> {
        match self.shards.len() {
            0 => self.spread(1),
            1 if self.len == SPLIT_AT => self.spread(SHARDS),
            _ => {}
        }
        let shard = self.shard(hash);
        let before = self.shards[shard].insert(hash, value);
        self.len += usize::from(before.is_none());
        before
    }

    pub(super) fn remove(&mut self, hash: u64) -> Option<V> {
        let at = self.shard(hash);
        let shard = self.shards.get_mut(at)?;
        let value = shard.remove(&hash)?;
        shrink!(shard);
        self.len -= 1;
        if self.len == 0 {
            self.shards = Vec::new();
        } else if self.shards.len() > 1 && self.len < SPLIT_AT / 4 {
            self.spread(1);
        }
        Some(value)
    }

    pub(super) fn get_mut(&mut self, hash: u64) -> Option<&mut V> {
        let at = self.shard(hash);
        self.shards.get_mut(at)?.get_mut(&hash)
    }

    #[inline]
    pub(super) fn get(&self, hash: u64) -> Option<&V> {
        self.shards.get(self.shard(hash))?.get(&hash)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Moves all values to a number of new tables.
    fn spread(&mut self, shards: usize) {
        let room = self.len / shards + self.len / shards / 4;
        let new = (0..shards).map(|_| HashMap::with_capacity_and_hasher(room, AsIs::default()));
        let old = std::mem::replace(&mut self.shards, new.collect());
        for (hash, value) in old.into_iter().flatten() {
            let shard = self.shard(hash);
            self.shards[shard].insert(hash, value);
        }
    }

    /// Where a hash belongs. The tables themselves use the lowest and the highest seven bits, so these are others.
    #[inline]
    fn shard(&self, hash: u64) -> usize {
        (hash >> 48) as usize & self.shards.len().wrapping_sub(1)
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.shards.iter().map(HashMap::capacity).sum()
    }

    #[cfg(test)]
    fn largest(&self) -> usize {
        self.shards.iter().map(HashMap::len).max().unwrap_or(0)
    }
}

impl<V> Default for ByHash<V> {
    fn default() -> Self {
        Self { shards: Vec::new(), len: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_table_is_many_small_ones_and_becomes_one_again() {
        let hash = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut table = ByHash::default();
        for n in 0..100_000 {
            assert_eq!(table.insert(hash(n), n), None);
        }
        assert_eq!(table.insert(hash(7), 7), Some(7));
        assert!(table.largest() < 1_000, "{}", table.largest());

        for n in 0..100_000 {
            assert_eq!((table.len(), table.get(hash(n))), (100_000 - n as usize, Some(&n)));
            assert_eq!((table.remove(hash(n)), table.get_mut(hash(n))), (Some(n), None));
            if n == 99_500 {
                assert!(table.capacity() < 4_000, "{}", table.capacity());
            }
        }
        assert_eq!((table.capacity(), table.remove(1)), (0, None));
    }
}
