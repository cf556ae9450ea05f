//! Stop 6 of the walk: a ring, the newest frames of one topic, in memory.
//!
//! The feed alone pushes, and never waits for a reader. A ring holds the frames of its topic that are in the
//! window; it has no bound of its own because the window has one for all rings.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::event::Sequence;
use crate::live::frame::Frame;
pub use crate::live::watchers::Watcher;
use crate::live::watchers::Watchers;

/// The newest frames of one topic.
#[derive(Default)]
pub(crate) struct Ring {
    frames: Mutex<VecDeque<Frame>>,
    pub(crate) watchers: Watchers,
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
        self.frames().is_empty() && self.watchers.is_empty()
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
}
