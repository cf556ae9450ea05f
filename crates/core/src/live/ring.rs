//! Stop 6 of the walk: a ring, the newest frames of one selector, in memory.
//!
//! The feed alone pushes, and never waits for a reader. A ring holds the frames of its selector that are in the
//! window; it has no bound of its own because the window has one for all rings.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slab::Slab;

use crate::event::Sequence;
use crate::live::frame::Frame;

/// Is told that a ring has new frames.
///
/// Called by the feed between two batches, so it must be quick and must not block.
pub trait Watcher: Send + Sync + 'static {
    /// The ring registered under `key` has frames that it had not before, or the hub is closing.
    fn ring_moved(&self, key: usize);
}

/// The newest frames of one selector.
#[derive(Default)]
pub struct Ring {
    frames: Mutex<VecDeque<Frame>>,
    watchers: Mutex<Slab<Registered>>,
}

struct Registered {
    watcher: Arc<dyn Watcher>,
    key: usize,
}

impl Ring {
    pub(crate) fn push(&self, frame: Frame) {
        self.frames().push_back(frame);
    }

    /// Drops frames up to and including a place.
    pub(crate) fn evict(&self, through: Sequence) {
        let mut frames = self.frames();
        while frames.front().is_some_and(|frame| frame.sequence() <= through) {
            frames.pop_front();
        }
    }

    /// Drops frames after a place.
    pub(crate) fn cut(&self, after: Sequence) {
        let mut frames = self.frames();
        while frames.back().is_some_and(|frame| frame.sequence() > after) {
            frames.pop_back();
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.frames().is_empty() && self.watchers().is_empty()
    }

    pub(crate) fn is_watched(&self) -> bool {
        !self.watchers().is_empty()
    }

    pub(crate) fn wake(&self) {
        for (_, registered) in &*self.watchers() {
            registered.watcher.ring_moved(registered.key);
        }
    }

    /// Registers a watcher; the answer is for [`unwatch`](Self::unwatch).
    pub(crate) fn watch(&self, watcher: Arc<dyn Watcher>, key: usize) -> usize {
        self.watchers().insert(Registered { watcher, key })
    }

    pub(crate) fn unwatch(&self, registration: usize) {
        self.watchers().try_remove(registration);
    }

    /// Calls `visit` with each frame after one place and up to another, oldest first, until it says stop.
    pub(crate) fn between(&self, after: Sequence, through: Sequence, mut visit: impl FnMut(&Frame) -> bool) {
        let frames = self.frames();
        let from = frames.partition_point(|frame| frame.sequence() <= after);
        for frame in frames.range(from..).take_while(|frame| frame.sequence() <= through) {
            if !visit(frame) {
                return;
            }
        }
    }

    fn frames(&self) -> MutexGuard<'_, VecDeque<Frame>> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watchers(&self) -> MutexGuard<'_, Slab<Registered>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
