//! Which blocks have an index, and how much memory the indexes take together.
//!
//! Where there is no room for all of them, the newest blocks have one: most searches begin there. Older blocks are looked
//! through event by event. So no search takes away what another needs again at once.

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::block::Block;
use super::index::Index;
use crate::event::Sequence;

pub(super) struct Indexes {
    /// What all blocks hash topics with.
    pub(super) hasher: RandomState,
    kept: Mutex<Kept>,
    bytes_max: usize,
}

#[derive(Default)]
struct Kept {
    /// By the first event of the block.
    indexes: BTreeMap<Sequence, KeptIndex>,
    /// Of all of them. Those of blocks that have left memory are counted until others need the room.
    bytes: usize,
    /// The first event of the newest block whose index had to go. Neither this block nor an older one gets an index again: it
    /// would have to go at once.
    too_old: Sequence,
}

struct KeptIndex {
    block: Weak<Block>,
    bytes: usize,
}

/// Whether an index was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    Now,
    Before,
}

impl Indexes {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { hasher: RandomState::new(), kept: Mutex::default(), bytes_max }
    }

    /// Looks something up in the index of a block, which is made if need be. None if there is no room for it.
    pub(super) fn look<T>(&self, block: &Arc<Block>, find: impl FnOnce(&Index) -> T) -> Option<(T, Made)> {
        if let Some(index) = &*block.index() {
            return Some((find(index), Made::Before));
        }
        if block.first() <= self.lock().too_old {
            return None;
        }
        let (found, bytes) = {
            let mut slot = block.index_mut();
            let is_new = slot.is_none();
            let index = slot.get_or_insert_with(|| Index::new(block.events(), &self.hasher));
            (find(index), is_new.then(|| index.bytes()))
        };
        let Some(bytes) = bytes else { return Some((found, Made::Before)) };
        self.keep(block, bytes);
        Some((found, Made::Now))
    }

    /// Counts an index that was made, and drops those of the oldest blocks if there are too many bytes.
    fn keep(&self, block: &Arc<Block>, bytes: usize) {
        let mut kept = self.lock();
        let new = KeptIndex { block: Arc::downgrade(block), bytes };
        let old = kept.indexes.insert(block.first(), new);
        kept.bytes += bytes;
        kept.bytes -= old.map_or(0, |old| old.bytes);
        let mut dropped = Vec::new();
        if kept.bytes > self.bytes_max {
            kept.forget_blocks_that_are_gone();
        }
        while kept.bytes > self.bytes_max
            && let Some((first, oldest)) = kept.indexes.pop_first()
        {
            kept.bytes -= oldest.bytes;
            kept.too_old = kept.too_old.max(first);
            dropped.extend(oldest.block.upgrade());
        }
        // A reader that holds an index now is not waited for with the list locked.
        drop(kept);
        for block in dropped {
            block.index_mut().take();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn forget_blocks_that_are_gone(&mut self) {
        self.indexes.retain(|_, index| index.block.strong_count() > 0);
        self.bytes = self.indexes.values().map(|index| index.bytes).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Cursor, Draft, DraftParts, Epoch, Event, Topic, UnixMillis};

    fn block(first: u64) -> Arc<Block> {
        let event = |number: u64| {
            let topic = Topic::parse(&format!("t/{number}/of/its/own")).unwrap();
            let draft = Draft::restore(DraftParts::new(topic, "".into()));
            Event { cursor: Cursor::new(Epoch(1), Sequence(number)), time: UnixMillis(0), draft }
        };
        Arc::new(Block::new((first..first + 100).map(event).collect()))
    }

    fn of(block: &Arc<Block>) -> usize {
        Index::new(block.events(), &RandomState::new()).bytes()
    }

    /// What the indexes of some blocks take indeed.
    fn held(blocks: &[Arc<Block>]) -> usize {
        blocks.iter().filter_map(|block| block.index().as_ref().map(Index::bytes)).sum()
    }

    #[test]
    fn the_newest_blocks_keep_their_indexes() {
        let blocks: Vec<_> = (0..9).map(|number| block(1 + 100 * number)).collect();
        let bytes_max = 4 * of(&blocks[0]) + 100;
        let indexes = Indexes::new(bytes_max);

        for order in [[0, 1, 2, 3, 4, 5, 6, 7, 8], [8, 7, 6, 5, 4, 3, 2, 1, 0]] {
            for at in order {
                indexes.look(&blocks[at], |_| ());
                assert_eq!(indexes.lock().bytes, held(&blocks));
                assert!(held(&blocks) <= bytes_max);
            }
        }

        let has_one: Vec<_> = blocks.iter().map(|block| block.index().is_some()).collect();
        assert_eq!(has_one, [false, false, false, false, false, true, true, true, true]);
    }

    #[test]
    fn an_index_is_made_once_and_not_where_it_would_not_be_kept() {
        let blocks = [block(1), block(101), block(201)];
        let indexes = Indexes::new(2 * of(&blocks[0]) + 100);
        let look = |at: usize| indexes.look(&blocks[at], |_| ()).map(|(_, made)| made);

        assert_eq!([look(2), look(2)], [Some(Made::Now), Some(Made::Before)]);
        // That there is no room is known once there was none.
        assert_eq!([look(1), look(0), look(0)], [Some(Made::Now), Some(Made::Now), None]);
    }

    #[test]
    fn a_block_that_has_left_memory_leaves_room_for_others() {
        let first = block(1);
        let indexes = Indexes::new(of(&first) + 100);
        indexes.look(&first, |_| ());
        drop(first);

        for block in [block(101), block(201)] {
            assert!(indexes.look(&block, |_| ()).is_some());
            assert_eq!(indexes.lock().bytes, held(&[block]));
        }
        assert_eq!(indexes.lock().indexes.len(), 1);
    }
}
