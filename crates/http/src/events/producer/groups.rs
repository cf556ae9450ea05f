//! The events of a body that are complete and not in the log, and the groups in which they are published.

use tidings_core::Draft;

use crate::limits::{GROUP_BYTES_MAX, GROUP_EVENTS_MAX};

/// The events that are not under way, and how much memory those take that are.
#[derive(Default)]
pub(super) struct Groups {
    /// The next group, or a little more.
    next: Vec<Draft>,
    next_bytes: usize,
    /// Bytes of the group under way.
    under_way_bytes: usize,
}

impl Groups {
    pub(super) fn push(&mut self, draft: Draft) {
        self.next_bytes += draft.bytes();
        self.next.push(draft);
    }

    /// Takes the next group, which is under way from now on.
    pub(super) fn begin(&mut self) -> Vec<Draft> {
        let rest = self.next.split_off(self.events_of_next());
        let group = std::mem::replace(&mut self.next, rest);
        self.under_way_bytes = bytes(&group);
        self.next_bytes -= self.under_way_bytes;
        group
    }

    /// No group is under way any more.
    pub(super) fn ended(&mut self) {
        self.under_way_bytes = 0;
    }

    /// The events of a group that was not placed are the next ones again.
    pub(super) fn put_back(&mut self, mut group: Vec<Draft>) {
        group.append(&mut self.next);
        self.next = group;
        self.next_bytes = bytes(&self.next);
    }

    /// Changes the next events.
    pub(super) fn change<T>(&mut self, change: impl FnOnce(&mut Vec<Draft>) -> T) -> T {
        let changed = change(&mut self.next);
        self.next_bytes = bytes(&self.next);
        changed
    }

    /// Forgets the events that are not under way.
    pub(super) fn forget_next(&mut self) {
        self.next.clear();
        self.next_bytes = 0;
    }

    /// Whether the next group takes more events.
    pub(super) fn has_room(&self) -> bool {
        self.next.len() < GROUP_EVENTS_MAX && self.next_bytes < GROUP_BYTES_MAX
    }

    /// Whether there is no event that is not under way.
    pub(super) fn is_empty(&self) -> bool {
        self.next.is_empty()
    }

    /// Bytes of all events in memory.
    pub(super) fn bytes(&self) -> usize {
        self.next_bytes + self.under_way_bytes
    }

    /// Events of the next group. There are more if a group was put back.
    fn events_of_next(&self) -> usize {
        let mut bytes = 0;
        let fits = |draft: &&Draft| {
            let has_room = bytes < GROUP_BYTES_MAX;
            bytes += draft.bytes();
            has_room
        };
        self.next.iter().take(GROUP_EVENTS_MAX).take_while(fits).count()
    }
}

/// Bytes of all of them.
pub(super) fn bytes(drafts: &[Draft]) -> usize {
    drafts.iter().map(Draft::bytes).sum()
}
