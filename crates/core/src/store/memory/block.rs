//! A run of events that does not change any more, and the place of its index.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::index::Index;
use crate::event::{Event, Sequence};

/// Events that stand next to each other in the log; at least one, fewer than 65,535.
pub(super) struct Block {
    events: Vec<Event>,
    index: RwLock<Option<Index>>,
}

impl Block {
    pub(super) fn new(events: Vec<Event>) -> Self {
        Self { events, index: RwLock::new(None) }
    }

    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }

    /// The first event's number.
    pub(super) fn first(&self) -> Sequence {
        self.events.first().map_or(Sequence::ZERO, |event| event.cursor.sequence)
    }

    /// The last event's number.
    pub(super) fn last(&self) -> Sequence {
        self.events.last().map_or(Sequence::ZERO, |event| event.cursor.sequence)
    }

    /// The event with a number.
    pub(super) fn get(&self, sequence: Sequence) -> Option<&Event> {
        let at = sequence.0.checked_sub(self.first().0)?;
        self.events.get(usize::try_from(at).ok()?)
    }

    /// The index, if there is one.
    pub(super) fn index(&self) -> RwLockReadGuard<'_, Option<Index>> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The index, to make or to drop it.
    pub(super) fn index_mut(&self) -> RwLockWriteGuard<'_, Option<Index>> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}
