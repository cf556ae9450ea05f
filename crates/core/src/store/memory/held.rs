//! What a hold keeps in a memory store, and what the store wants it to release.

use std::sync::Arc;

use super::MemoryRetention;
use super::events::Events;
use crate::event::Sequence;
use crate::limits::MEMORY_AHEAD_PARTS;
use crate::store::RetentionHold;

/// A hold, and how far the store has told it what it wants to remove.
pub(super) struct Held {
    hold: Arc<RetentionHold>,
    wanted: Sequence,
    /// Bytes of the events held up to there.
    bytes: usize,
}

impl Held {
    pub(super) fn new(hold: Arc<RetentionHold>) -> Self {
        Self { hold, wanted: Sequence::ZERO, bytes: 0 }
    }

    pub(super) fn released(&self) -> Sequence {
        self.hold.released()
    }

    /// Wants what must go before the log is a part of its bounds beyond them. It does so in steps of half a part, so that the
    /// holder has work from time to time and not with each append.
    pub(super) fn want(&mut self, events: &Events, bytes: usize, retention: MemoryRetention) {
        let part = MemoryRetention {
            events_max: retention.events_max / MEMORY_AHEAD_PARTS,
            bytes_max: retention.bytes_max / MEMORY_AHEAD_PARTS,
        };
        let half = MemoryRetention { events_max: part.events_max / 2, bytes_max: part.bytes_max / 2 };
        if self.next_to_want(events, bytes, retention, half).is_none() {
            return;
        }
        while let Some((sequence, of_event)) = self.next_to_want(events, bytes, retention, part) {
            self.wanted = sequence;
            self.bytes += of_event;
        }
        self.hold.want_through(self.wanted);
    }

    /// The next event that must go, and its bytes, if the log is to have room for so much more.
    fn next_to_want(
        &self,
        events: &Events,
        bytes: usize,
        retention: MemoryRetention,
        more: MemoryRetention,
    ) -> Option<(Sequence, usize)> {
        let next = events.first()?.cursor.sequence.max(self.wanted.next());
        let left = (events.last()?.cursor.sequence.0 + 1).saturating_sub(next.0) as usize;
        let goes = left + more.events_max > retention.events_max.max(1)
            || bytes - self.bytes + more.bytes_max > retention.bytes_max;
        // The newest event stays, however large it is.
        if !goes || left <= 1 {
            return None;
        }
        Some((next, events.get(next)?.draft.bytes()))
    }

    /// Forgets an event that has left the log, at either end.
    pub(super) fn forget(&mut self, sequence: Sequence, bytes: usize) {
        if sequence <= self.wanted {
            self.bytes -= bytes;
        }
    }

    /// The log ends here now.
    pub(super) fn cut(&mut self, head: Sequence) {
        self.wanted = self.wanted.min(head);
    }
}
