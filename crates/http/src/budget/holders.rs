//! The holders of a budget that are watched: the slowest of them end when others need the room.

use slab::Slab;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::pace::Pace;
use crate::limits::HOLDERS_LOOK_INTERVAL;

#[derive(Default)]
pub(super) struct Holders {
    watched: Slab<Holder>,
    /// Bytes that all together wait for.
    wanted: usize,
    /// What the holders that were asked to end have and wait for: so much of `wanted` is on its way.
    ending: usize,
    /// Until then nobody looks again: each holder that is left has its grace, or is faster than one that waits to grow for
    /// itself alone.
    look_at: Option<Instant>,
}

/// A holder that waits for its peer.
pub(super) struct Holder {
    bytes: usize,
    /// Bytes that it waits for, because it must grow.
    wants: usize,
    pub(super) pace: Pace,
    /// Cancelled when it should end.
    end: CancellationToken,
}

impl Holder {
    pub(super) fn new(bytes: usize, pace: Pace, end: CancellationToken) -> Self {
        Self { bytes, wants: 0, pace, end }
    }

    /// By how much less others must wait for when it has ended.
    fn relief(&self) -> usize {
        self.bytes + self.wants
    }
}

impl Holders {
    /// Returns its key.
    pub(super) fn add(&mut self, holder: Holder) -> usize {
        self.watched.insert(holder)
    }

    pub(super) fn remove(&mut self, key: usize) -> Holder {
        self.change(key, |holder| (holder.bytes, holder.wants) = (0, 0));
        self.watched.remove(key)
    }

    pub(super) fn pace(&mut self, key: usize) -> &mut Pace {
        &mut self.watched[key].pace
    }

    pub(super) fn has(&mut self, key: usize, bytes: usize) {
        self.change(key, |holder| holder.bytes = bytes);
    }

    /// Somebody waits for so many bytes: a newcomer, or the holder with this key.
    pub(super) fn begin_wait(&mut self, bytes: usize, grower: Option<usize>) {
        self.wanted += bytes;
        if let Some(key) = grower {
            self.change(key, |holder| holder.wants = bytes);
        }
    }

    /// The bytes have come, or are not waited for any more.
    pub(super) fn end_wait(&mut self, bytes: usize, grower: Option<usize>) {
        self.wanted -= bytes;
        if let Some(key) = grower {
            self.change(key, |holder| holder.wants = 0);
        }
    }

    fn change(&mut self, key: usize, change: impl FnOnce(&mut Holder)) {
        let holder = &mut self.watched[key];
        let before = holder.relief();
        change(holder);
        if holder.end.is_cancelled() {
            self.ending = self.ending - before + holder.relief();
        }
    }

    /// Asks the slowest holders to end, until they make the room for all that wait or all that are left have their grace. For
    /// all, since the room goes to those that came first, whoever asks.
    ///
    /// A holder that waits to grow does not end for itself, and ends none that is faster.
    pub(super) fn make_room(&mut self) {
        let now = Instant::now();
        let needed = self.wanted.saturating_sub(self.ending);
        if needed == 0 || self.look_at.is_some_and(|at| now < at) {
            return;
        }
        let can_end = |(_, holder): &(usize, &Holder)| {
            holder.bytes > 0 && !holder.end.is_cancelled() && holder.pace.grace_end() <= now
        };
        let mut slowest: Vec<_> = self.watched.iter().filter(can_end).collect();
        slowest.sort_unstable_by_key(|(key, holder)| (holder.pace.lately(), *key));
        let mut asked = 0;
        for (_, holder) in slowest {
            // Nobody else needs its room.
            if asked + holder.wants >= needed {
                break;
            }
            holder.end.cancel();
            asked += holder.relief();
        }
        self.ending += asked;
        if asked < needed {
            self.look_at = Some(now + HOLDERS_LOOK_INTERVAL);
        }
    }
}
