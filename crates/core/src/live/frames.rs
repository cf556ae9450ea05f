//! The frames of the window, by their places.

use std::collections::VecDeque;

use crate::event::Sequence;
use crate::live::frame::Frame;

/// Frames in the order of the log. A place is found without a search among them: nearly all follow each other without a
/// hole, and where there is one, as at the beginning of an epoch, another run begins.
#[derive(Default)]
pub(crate) struct Frames {
    held: VecDeque<Frame>,
    /// Frames that were pushed before the first one held.
    dropped: u64,
    runs: VecDeque<Run>,
    /// Bytes that the window counts for them.
    pub(crate) bytes: usize,
}

/// Frames whose sequences follow each other.
struct Run {
    first: Sequence,
    /// How many frames were pushed before the first of the run.
    number: u64,
}

impl Frames {
    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    pub(crate) fn oldest(&self) -> Option<Sequence> {
        self.held.front().map(Frame::sequence)
    }

    pub(crate) fn newest(&self) -> Option<Sequence> {
        self.held.back().map(Frame::sequence)
    }

    pub(crate) fn push(&mut self, frame: Frame) {
        let sequence = frame.sequence();
        if self.held.back().is_none_or(|last| last.sequence().next() != sequence) {
            self.runs.push_back(Run { first: sequence, number: self.dropped + self.held.len() as u64 });
        }
        self.bytes += frame.bytes_held();
        self.held.push_back(frame);
    }

    /// Takes the oldest frame out.
    pub(crate) fn pop_oldest(&mut self) -> Option<Frame> {
        let frame = self.held.pop_front()?;
        self.bytes -= frame.bytes_held();
        self.dropped += 1;
        let ends = self.runs.get(1).is_some_and(|next| next.number == self.dropped) || self.held.is_empty();
        match self.runs.front_mut() {
            Some(run) if !ends => *run = Run { first: frame.sequence().next(), number: self.dropped },
            _ => drop(self.runs.pop_front()),
        }
        Some(frame)
    }

    /// Takes the newest frame out if it stands after a place.
    pub(crate) fn pop_newest_after(&mut self, after: Sequence) -> Option<Frame> {
        let frame = self.held.pop_back_if(|frame| frame.sequence() > after)?;
        self.bytes -= frame.bytes_held();
        let end = self.dropped + self.held.len() as u64;
        while self.runs.pop_back_if(|run| run.number >= end).is_some() {}
        Some(frame)
    }

    /// How many frames stand after a place.
    pub(crate) fn count_after(&self, place: Sequence) -> usize {
        self.held.len() - self.index_after(place)
    }

    /// The frames after a place, oldest first.
    pub(crate) fn after(&self, place: Sequence) -> impl Iterator<Item = &Frame> {
        self.held.range(self.index_after(place)..)
    }

    /// The frame at a place.
    pub(crate) fn get(&self, place: Sequence) -> Option<&Frame> {
        self.held.get(self.index_after(place.previous())).filter(|frame| frame.sequence() == place)
    }

    fn index_after(&self, place: Sequence) -> usize {
        let at = self.runs.partition_point(|run| run.first <= place);
        let Some(run) = at.checked_sub(1).and_then(|at| self.runs.get(at)) else { return 0 };
        let end = self.runs.get(at).map_or(self.dropped + self.held.len() as u64, |next| next.number);
        let number = (place.0 - run.first.0).saturating_add(run.number + 1).min(end);
        usize::try_from(number - self.dropped).unwrap_or(usize::MAX)
    }
}
