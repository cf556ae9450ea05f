//! A view: the rings of one set of selectors, read together.
//!
//! A view has no cursor of its own. A reader asks what comes after its cursor; many cursors may share a view.

use std::sync::Arc;

use crate::event::{Cursor, EpochStatus, Sequence};
use crate::limits::FRAMES_LOOKED_AT_MAX;
use crate::live::frame::Frame;
use crate::live::ring::Watcher;
use crate::live::rings::{Attachment, Source};
use crate::live::scan::{Scan, frames_per};
use crate::live::window::Window;
use crate::select::Selectors;

/// The rings of a set of selectors. Dropping it leaves them.
pub struct View {
    window: Arc<Window>,
    selectors: Selectors,
    /// In the order of the selectors.
    attachments: Vec<Attachment>,
}

/// What the rings hold after a cursor.
#[derive(Debug, Clone)]
pub enum Reach {
    /// Frames in the order of the log, at least one, and the place up to which they are all there are.
    Frames {
        /// The frames.
        frames: Vec<Frame>,
        /// The place to ask after next.
        through: Cursor,
    },
    /// Nothing that matches up to a place, which is not before the cursor.
    Nothing {
        /// The place to ask after next.
        through: Cursor,
    },
    /// The rings do not hold what comes after the cursor. [`Hub::next_page`](crate::Hub::next_page) finds it: in the
    /// window, where it takes longer than a look, or in the store.
    Lagged,
    /// The cursor's epoch is over, and the log goes on in another one.
    NewEpoch {
        /// The last place of the cursor's epoch that is still true: a cursor up to there is the same place in the new
        /// epoch, and a cursor beyond it was cut off.
        ended: Sequence,
        /// The last place that may be handed out now, in the epoch of the log now.
        head: Cursor,
    },
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
        let attachments = window.attach(selectors.iter(), &watcher, key);
        Self { window, selectors: selectors.clone(), attachments }
    }

    /// Reads what comes after a cursor, about `bytes_max` of it. Never waits.
    pub fn after(&self, cursor: Cursor, bytes_max: usize) -> Reach {
        // In this order: see the window's documentation. Closed comes first, for the last frames come before it.
        let closed = self.window.is_closed();
        if self.window.epoch() != cursor.epoch {
            return self.in_another_epoch(cursor);
        }
        // The floor is out of reach while an epoch begins.
        if self.window.floor() > cursor.sequence {
            return Reach::Lagged;
        }
        let head = self.window.head();
        let gathered = self.gather(cursor, head, bytes_max);
        if self.window.floor() > cursor.sequence {
            return Reach::Lagged;
        }
        if self.window.epoch() != cursor.epoch {
            return self.in_another_epoch(cursor);
        }
        let Some((frames, through)) = gathered else { return Reach::Lagged };
        let through = cursor.at(through.max(cursor.sequence));
        match (frames.is_empty(), closed) {
            (false, _) => Reach::Frames { frames, through },
            (true, true) => Reach::Closed,
            (true, false) => Reach::Nothing { through },
        }
    }

    /// The last place that may be handed out now.
    pub fn head(&self) -> Cursor {
        self.window.place()
    }

    /// Whether the places of all matches after a place are known, which are added to a list.
    #[cfg(test)]
    pub(crate) fn knows_all_after(&self, place: Sequence, into: &mut Vec<Sequence>) -> bool {
        self.attachments.iter().all(|attachment| match &attachment.source {
            Source::Pattern(news) => news.between(place, self.window.head(), into),
            Source::Topic(_) => true,
        })
    }

    fn in_another_epoch(&self, cursor: Cursor) -> Reach {
        let (knows, head) = self.window.status_of(cursor.epoch);
        match knows {
            // It began after the caller looked.
            EpochStatus::Current => Reach::Nothing { through: cursor },
            EpochStatus::Ended { at } => Reach::NewEpoch { ended: at, head },
            EpochStatus::Unknown if self.window.is_closed() => Reach::Closed,
            // The store is ahead of the feed, or the feed has passed that epoch over. The store knows, and the feed wakes
            // everybody when it comes to an epoch.
            EpochStatus::Unknown => Reach::Lagged,
        }
    }

    /// The frames after a place, and the place up to which these are all. None if there is too much to look at.
    fn gather(&self, cursor: Cursor, head: Sequence, bytes_max: usize) -> Option<(Vec<Frame>, Sequence)> {
        let (mut frames, mut through) = (Vec::new(), head);
        let (mut places, mut all_known) = (Vec::new(), true);
        for attachment in &self.attachments {
            match &attachment.source {
                Source::Topic(ring) => {
                    let mut bytes_left = bytes_max;
                    ring.between(cursor.sequence, through, |frame| {
                        frames.push(frame.clone());
                        bytes_left = bytes_left.saturating_sub(frame.bytes());
                        if bytes_left == 0 {
                            through = frame.sequence();
                        }
                        bytes_left > 0
                    });
                }
                Source::Pattern(news) => all_known &= news.between(cursor.sequence, through, &mut places),
            }
        }
        if !all_known {
            return self.look_through(cursor, head, bytes_max);
        }
        if !places.is_empty() {
            places.sort_unstable();
            places.dedup();
            let found = self.window.at(&places, bytes_max);
            // None if all of them were evicted in the meantime.
            let last = found.last()?.sequence();
            if found.len() < places.len() {
                through = through.min(last);
            }
            frames.extend(found);
        }
        if self.attachments.len() > 1 {
            frames.sort_unstable_by_key(Frame::sequence);
            frames.dedup_by_key(|frame| frame.sequence());
            frames.truncate(frames.partition_point(|frame| frame.sequence() <= through));
        }
        Some((frames, through))
    }

    /// The same for a reader that is behind the news of its patterns: looks at the frames of the window, if they are few.
    fn look_through(
        &self,
        cursor: Cursor,
        head: Sequence,
        bytes_max: usize,
    ) -> Option<(Vec<Frame>, Sequence)> {
        if self.window.frames_after(cursor.sequence) > frames_per(FRAMES_LOOKED_AT_MAX, &self.selectors) {
            return None;
        }
        let mut scan = Scan::after(cursor, usize::MAX, bytes_max);
        while scan.look_at_slice(&self.window, &self.selectors, head) {}
        Some((scan.frames, scan.through.sequence))
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.window.detach(self.selectors.iter(), &self.attachments);
    }
}
