//! The holders of a budget that are watched: the slowest of them end when others need the room.

use slab::Slab;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::pace::Pace;
use crate::limits::HOLDERS_LOOK_INTERVAL;

#[derive(Default)]
pub(super) struct Holders {
    watched: Slab<Holder>,
    /// How many wait for room, holders that grow included.
    pub(super) waiting: usize,
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

    pub(super) fn remove(&mut self, key: usize) -> Holder {
        self.watched.remove(key)
    }

    pub(super) fn get(&mut self, key: usize) -> &mut Holder {
        &mut self.watched[key]
    }

    /// Asks the slowest holders to end, until they have so many bytes together or all that are left have their grace.
    /// Returns the bytes of those that it asked.
    ///
    /// If a holder asks because it must grow, it asks none that is faster than itself. It may be asked itself, but not if
    /// nobody else waits: then it may as well wait for what is given back.
    pub(super) fn make_room(&mut self, bytes: usize, grower: Option<usize>) -> usize {
        let now = Instant::now();
        if bytes == 0 || self.look_at.is_some_and(|at| now < at) {
            return 0;
        }
        let can_end = |(_, holder): &(usize, &Holder)| {
            holder.bytes > 0 && !holder.end.is_cancelled() && holder.pace.grace_end() <= now
        };
        let mut slowest: Vec<_> = self.watched.iter().filter(can_end).collect();
        slowest.sort_unstable_by_key(|(key, holder)| (holder.pace.lately(), *key));
        let mut asked = 0;
        for (key, holder) in slowest {
            if asked >= bytes {
                return asked;
            }
            if grower == Some(key) && self.waiting == 1 {
                break;
            }
            holder.end.cancel();
            asked += holder.bytes;
            if grower == Some(key) {
                return asked;
            }
        }
        self.look_at = Some(now + HOLDERS_LOOK_INTERVAL);
        asked
    }
}
