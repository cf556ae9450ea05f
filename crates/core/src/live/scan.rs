//! A scan: looks at the frames of the window one after the other, for a reader that is behind what the rings know of its
//! patterns.

use crate::event::{Cursor, Sequence, Topic};
use crate::limits::{SELECTORS_PER_LOOK_MAX, WINDOW_SLICE_FRAMES};
use crate::live::frame::Frame;
use crate::live::window::Window;
use crate::select::Selectors;

/// What a scan has found so far.
pub(crate) struct Scan {
    /// The frames that match, in order.
    pub(crate) frames: Vec<Frame>,
    /// They are all up to here.
    pub(crate) through: Cursor,
    /// Frames that were looked at.
    pub(crate) looked_at: usize,
    frames_left: usize,
    bytes_left: usize,
    /// The topic that was compared last, and whether it matches: events of one topic often come together.
    last: Option<(Topic, bool)>,
}

impl Scan {
    /// A scan after a place, for at most so many frames, and about so many bytes of them.
    pub(crate) fn after(place: Cursor, frames_max: usize, bytes_max: usize) -> Self {
        Self {
            frames: Vec::new(),
            through: place,
            looked_at: 0,
            frames_left: frames_max.max(1),
            bytes_left: bytes_max.max(1),
            last: None,
        }
    }

    /// Goes on by one slice of the frames up to `head`. False if that was the last one, if enough was found, or if the
    /// window does not hold what comes next.
    pub(crate) fn look_at_slice(&mut self, window: &Window, selectors: &Selectors, head: Sequence) -> bool {
        let Some(slice) = window.slice(self.through, head, WINDOW_SLICE_FRAMES) else { return false };
        let is_last = slice.len() < WINDOW_SLICE_FRAMES;
        self.looked_at += slice.len();
        for frame in slice {
            self.through.sequence = frame.sequence();
            if self.matches(selectors, frame.event().draft.topic()) {
                self.bytes_left = self.bytes_left.saturating_sub(frame.bytes());
                self.frames_left -= 1;
                self.frames.push(frame);
                if self.bytes_left == 0 || self.frames_left == 0 {
                    return false;
                }
            }
        }
        if is_last {
            self.through.sequence = self.through.sequence.max(head);
        }
        !is_last
    }

    fn matches(&mut self, selectors: &Selectors, topic: &Topic) -> bool {
        match &self.last {
            Some((last, matches)) if last == topic => *matches,
            _ => {
                let matches = selectors.matches(topic);
                self.last = Some((topic.clone(), matches));
                matches
            }
        }
    }
}

/// How many of so many frames a reader of these selectors looks at: fewer if each has to be compared with many.
pub(crate) fn frames_per(frames: usize, selectors: &Selectors) -> usize {
    frames / selectors.iter().len().clamp(1, SELECTORS_PER_LOOK_MAX)
}
