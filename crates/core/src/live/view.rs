//! A view: the rings of one set of selectors, read together.
//!
//! A view has no cursor of its own. Whoever has one asks what comes after it; many cursors may share a view.

use std::sync::Arc;

use crate::event::cursor::{Epoch, Sequence};
use crate::live::frame::Frame;
use crate::live::ring::Watcher;
use crate::live::window::{Attachment, Window};
use crate::select::selector::Selectors;

/// The rings of a set of selectors. Dropping it leaves them.
pub struct View {
    window: Arc<Window>,
    attachments: Vec<Attachment>,
}

/// What the rings hold after a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Frames in the order of the log, at least one, and the place up to which they are all there are.
    Frames {
        /// The frames.
        frames: Vec<Frame>,
        /// The place to ask after next.
        through: Sequence,
    },
    /// Nothing that matches up to a place, which is not before the cursor.
    Nothing {
        /// The place to ask after next.
        through: Sequence,
    },
    /// The rings no longer hold what comes after the cursor; the store may.
    Lagged,
    /// Nothing, and nothing will come: the hub is closing.
    Closed,
}

impl View {
    /// Looks at the rings of `selectors`; `watcher` is told under `key` when they have more.
    pub(crate) fn new(
        window: Arc<Window>,
        selectors: &Selectors,
        watcher: Arc<dyn Watcher>,
        key: usize,
    ) -> Self {
        let attach = |selector| window.attach(selector, watcher.clone(), key);
        let attachments = selectors.iter().map(attach).collect();
        Self { window, attachments }
    }

    /// Reads what comes after a cursor, about `bytes_max` of it. Never waits.
    pub fn after(&self, cursor: Sequence, bytes_max: usize) -> Reach {
        // In this order: see the window's documentation. Closed comes first, for the last frames come before it.
        let closed = self.window.is_closed();
        let head = self.window.head();
        let (frames, through) = self.gather(cursor, head, bytes_max);
        if self.window.floor() > cursor {
            return Reach::Lagged;
        }
        let through = through.max(cursor);
        match (frames.is_empty(), closed) {
            (false, _) => Reach::Frames { frames, through },
            (true, true) => Reach::Closed,
            (true, false) => Reach::Nothing { through },
        }
    }

    /// The last event that may be handed out now.
    pub fn head(&self) -> Sequence {
        self.window.head()
    }

    /// The place before the first event that the rings are sure to hold.
    pub fn floor(&self) -> Sequence {
        self.window.floor()
    }

    /// The life of the log that the frames belong to.
    pub fn epoch(&self) -> Epoch {
        self.window.epoch()
    }

    fn gather(&self, cursor: Sequence, head: Sequence, bytes_max: usize) -> (Vec<Frame>, Sequence) {
        let (mut frames, mut through) = (Vec::new(), head);
        for attachment in &self.attachments {
            let mut bytes_left = bytes_max;
            attachment.ring.between(cursor, through, |frame| {
                frames.push(frame.clone());
                bytes_left = bytes_left.saturating_sub(frame.len());
                if bytes_left == 0 {
                    through = frame.sequence;
                }
                bytes_left > 0
            });
        }
        if self.attachments.len() > 1 {
            frames.sort_unstable_by_key(|frame| frame.sequence);
            frames.dedup_by_key(|frame| frame.sequence);
            frames.truncate(frames.partition_point(|frame| frame.sequence <= through));
        }
        (frames, through)
    }
}
