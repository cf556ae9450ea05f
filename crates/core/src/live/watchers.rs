//! Watchers: who is told that the rings have something new.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slab::Slab;

/// Is told that a ring has new frames.
///
/// Called by the feed between two slices of a batch, so it must be quick and must not block.
pub trait Watcher: Send + Sync + 'static {
    /// The ring registered under `key` has frames that it had not before, or the hub is closing.
    fn ring_moved(&self, key: usize);
}

/// The watchers of one selector.
#[derive(Default)]
pub(crate) struct Watchers(Mutex<Slab<Registered>>);

struct Registered {
    watcher: Arc<dyn Watcher>,
    key: usize,
}

impl Watchers {
    /// Registers a watcher; the answer is for [`remove`](Self::remove).
    pub(crate) fn add(&self, watcher: Arc<dyn Watcher>, key: usize) -> usize {
        let mut all = self.all();
        if all.capacity() == 0 {
            // Most selectors have one watcher, and a vector would begin with room for four.
            *all = Slab::with_capacity(1);
        }
        all.insert(Registered { watcher, key })
    }

    pub(crate) fn remove(&self, registration: usize) {
        self.all().try_remove(registration);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    /// Wakes watchers from a number on, until none are left of how many may be woken, each of which counts one. Returns the
    /// number to go on from, if there are more.
    pub(crate) fn wake(&self, from: usize, left: &mut usize) -> Option<usize> {
        for (number, registered) in self.all().iter().skip_while(|(number, _)| *number < from) {
            if *left == 0 {
                return Some(number);
            }
            *left -= 1;
            registered.watcher.ring_moved(registered.key);
        }
        None
    }

    fn all(&self) -> MutexGuard<'_, Slab<Registered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
