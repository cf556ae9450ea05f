//! The events that a memory store holds: blocks that readers share, and the newest ones, which are not in a block yet.

use std::collections::VecDeque;
use std::sync::Arc;

use super::block::Block;
use super::scan::Towards;
use crate::event::{Event, Sequence, UnixMillis};
use crate::limits::{MEMORY_BLOCK_BYTES_MAX, MEMORY_BLOCK_EVENTS_MAX, MEMORY_NEWEST_TAKEN_MAX};

/// Events in order, without a hole between them.
#[derive(Default)]
pub(super) struct Events {
    blocks: VecDeque<Arc<Block>>,
    /// Events at the beginning of the first block that are gone. A block leaves with its last event.
    gone: usize,
    newest: VecDeque<Event>,
    newest_bytes: usize,
    len: usize,
}

/// Some events that stand next to each other.
pub(super) enum Part {
    Block(Arc<Block>),
    /// Copies, which share their text.
    Newest(Vec<Event>),
}

impl Part {
    pub(super) fn events(&self) -> &[Event] {
        match self {
            Self::Block(block) => block.events(),
            Self::Newest(events) => events,
        }
    }
}

impl Events {
    pub(super) fn push(&mut self, event: Event) {
        self.newest_bytes += event.draft.bytes();
        self.newest.push_back(event);
        self.len += 1;
        if self.newest.len() >= MEMORY_BLOCK_EVENTS_MAX || self.newest_bytes >= MEMORY_BLOCK_BYTES_MAX {
            self.newest_bytes = 0;
            self.blocks.push_back(Arc::new(Block::new(self.newest.drain(..).collect())));
        }
    }

    pub(super) fn pop_first(&mut self) -> Option<Event> {
        let Some(block) = self.blocks.front() else {
            let event = self.newest.pop_front()?;
            self.newest_bytes -= event.draft.bytes();
            self.len -= 1;
            return Some(event);
        };
        let event = block.events()[self.gone].clone();
        self.gone += 1;
        if self.gone == block.events().len() {
            self.gone = 0;
            self.blocks.pop_front();
        }
        self.len -= 1;
        Some(event)
    }

    pub(super) fn pop_last(&mut self) -> Option<Event> {
        if self.newest.is_empty()
            && let Some(block) = self.blocks.pop_back()
        {
            // Only the last block that is left can be the one from which events are gone.
            let gone = if self.blocks.is_empty() { std::mem::take(&mut self.gone) } else { 0 };
            self.newest = block.events()[gone..].iter().cloned().collect();
            self.newest_bytes = self.newest.iter().map(|event| event.draft.bytes()).sum();
        }
        let event = self.newest.pop_back()?;
        self.newest_bytes -= event.draft.bytes();
        self.len -= 1;
        Some(event)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn first(&self) -> Option<&Event> {
        self.blocks.front().map_or_else(|| self.newest.front(), |block| block.events().get(self.gone))
    }

    pub(super) fn last(&self) -> Option<&Event> {
        self.newest.back().or_else(|| self.blocks.back()?.events().last())
    }

    /// The event with a number.
    pub(super) fn get(&self, sequence: Sequence) -> Option<&Event> {
        if sequence < self.first()?.cursor.sequence {
            return None;
        }
        let at = self.blocks.partition_point(|block| block.last() < sequence);
        if let Some(block) = self.blocks.get(at) {
            return block.get(sequence);
        }
        let at = sequence.0.checked_sub(self.newest.front()?.cursor.sequence.0)?;
        self.newest.get(usize::try_from(at).ok()?)
    }

    /// The first event of a time or later.
    pub(super) fn first_since(&self, time: UnixMillis) -> Option<&Event> {
        let is_before = |event: &Event| event.time < time;
        let at = self.blocks.partition_point(|block| block.events().last().is_some_and(is_before));
        if let Some(block) = self.blocks.get(at) {
            let gone = if at == 0 { self.gone } else { 0 };
            let events = &block.events()[gone..];
            return events.get(events.partition_point(is_before));
        }
        self.newest.get(self.newest.partition_point(is_before))
    }

    /// The part of the log that has an event which is held: its block; or, if it is in none yet, some of the newest events from
    /// it on, or up to it.
    pub(super) fn part(&self, at: Sequence, towards: Towards) -> Part {
        let block = self.blocks.partition_point(|block| block.last() < at);
        if let Some(block) = self.blocks.get(block) {
            return Part::Block(block.clone());
        }
        let first = self.newest.front().map_or(at, |first| first.cursor.sequence);
        let (at, len) = ((at.0 - first.0) as usize, self.newest.len());
        let range = match towards {
            Towards::Head => at..len.min(at + MEMORY_NEWEST_TAKEN_MAX),
            Towards::Floor => (at + 1).saturating_sub(MEMORY_NEWEST_TAKEN_MAX)..len.min(at + 1),
        };
        Part::Newest(self.newest.range(range).cloned().collect())
    }

    #[cfg(test)]
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Arc<Block>> {
        self.blocks.iter()
    }

    /// All events after a place.
    pub(super) fn shared_after(&self, after: Sequence) -> Arc<[Event]> {
        if self.newest.front().is_some_and(|first| first.cursor.sequence <= after.next()) {
            return self.newest_after(after).cloned().collect();
        }
        let from = self.blocks.partition_point(|block| block.last() <= after);
        let in_blocks = self.blocks.range(from..).flat_map(|block| block.events());
        let in_blocks = in_blocks.filter(|event| event.cursor.sequence > after).cloned();
        in_blocks.chain(self.newest_after(after).cloned()).collect()
    }

    /// The newest events after a place, without those in blocks.
    fn newest_after(&self, after: Sequence) -> impl ExactSizeIterator<Item = &Event> {
        let first = self.newest.front().map_or(after.next(), |first| first.cursor.sequence);
        let from = after.next().0.saturating_sub(first.0).min(self.newest.len() as u64);
        self.newest.range(from as usize..)
    }
}
