//! The holders of a budget that are watched: the slowest of them end when others need the room.

use slab::Slab;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::pace::Pace;
use crate::limits::HOLDERS_LOOK_INTERVAL;

#[derive(Default)]
pub(super) struct Holders {
    watched: Slab<Holder>,
    /// Until then nobody looks again: every holder was asked to end, or has its grace.
    look_at: Option<Instant>,
}

/// A holder that waits for its peer.
pub(super) struct Holder {
    pub(super) bytes: usize,
    pub(super) pace: Pace,
    /// Cancelled when it should end.
    pub(super) end: CancellationToken,
}

impl Holders {
    /// Returns its key.
    pub(super) fn add(&mut self, holder: Holder) -> usize {
        self.watched.insert(holder)
    }

    pub(super) fn remove(&mut self, key: usize) {
        self.watched.remove(key);
    }

    pub(super) fn get(&mut self, key: usize) -> &mut Holder {
        &mut self.watched[key]
    }

    /// Asks the slowest holders to end, until they have so many bytes together or all that are left have their grace.
    /// Returns the bytes of those that it asked.
    pub(super) fn make_room(&mut self, bytes: usize) -> usize {
        let now = Instant::now();
        if bytes == 0 || self.look_at.is_some_and(|at| now < at) {
            return 0;
        }
        let watched = self.watched.iter().map(|(_, holder)| holder);
        let can_end = |holder: &&Holder| {
            holder.bytes > 0 && !holder.end.is_cancelled() && holder.pace.grace_end() <= now
        };
        let mut slowest: Vec<_> = watched.filter(can_end).collect();
        slowest.sort_unstable_by_key(|holder| holder.pace.lately());
        let mut asked = 0;
        for holder in slowest {
            if asked >= bytes {
                return asked;
            }
            holder.end.cancel();
            asked += holder.bytes;
        }
        self.look_at = Some(now + HOLDERS_LOOK_INTERVAL);
        asked
    }
}
