//! The line of a log: the epochs that it has lived through, and where each of them ended.
//!
//! A log that loses events it had shown (a promoted replica, a restored copy) goes on in a new epoch from the last
//! place that is still true. Places up to there stay good under their old name; places beyond it were cut off, and
//! their readers must hear of a gap.

use crate::event::cursor::{Epoch, Sequence};
use crate::limits::LINE_EPOCHS_MAX;

/// The epochs of one log, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    ended: Vec<Ended>,
    epoch: Epoch,
}

/// An epoch that is over, and its last place that is still true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ended {
    epoch: Epoch,
    at: Sequence,
}

/// What a line knows of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpochStatus {
    /// The log is in this epoch now.
    Current,
    /// The epoch is over. Its places up to this one are still true; those beyond it were cut off.
    Ended {
        /// The last place that is still true.
        at: Sequence,
    },
    /// The epoch is not on the line.
    Unknown,
}

impl Line {
    /// A line whose only epoch is this one.
    pub fn new(epoch: Epoch) -> Self {
        Self { ended: Vec::new(), epoch }
    }

    /// The current epoch.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Ends the current epoch at a place and begins another one there. Earlier epochs that reached beyond the place
    /// end there, too. Of more than [`LINE_EPOCHS_MAX`] epochs the oldest is forgotten.
    pub fn begin(&mut self, epoch: Epoch, after: Sequence) {
        self.ended.push(Ended { epoch: self.epoch, at: after });
        for ended in &mut self.ended {
            ended.at = ended.at.min(after);
        }
        if self.ended.len() > LINE_EPOCHS_MAX {
            self.ended.remove(0);
        }
        self.epoch = epoch;
    }

    /// What the line knows of an epoch.
    pub fn status_of(&self, epoch: Epoch) -> EpochStatus {
        if epoch == self.epoch {
            return EpochStatus::Current;
        }
        let ended = self.ended.iter().rev().find(|ended| ended.epoch == epoch);
        ended.map_or(EpochStatus::Unknown, |ended| EpochStatus::Ended { at: ended.at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_ends_where_the_next_one_begins() {
        let mut line = Line::new(Epoch(1));
        line.begin(Epoch(2), Sequence(10));

        assert_eq!(line.epoch(), Epoch(2));
        assert_eq!(line.status_of(Epoch(1)), EpochStatus::Ended { at: Sequence(10) });
        assert_eq!(line.status_of(Epoch(2)), EpochStatus::Current);
        assert_eq!(line.status_of(Epoch(3)), EpochStatus::Unknown);
    }

    #[test]
    fn an_epoch_that_begins_further_back_cuts_off_the_earlier_ones_too() {
        let mut line = Line::new(Epoch(1));
        line.begin(Epoch(2), Sequence(10));
        line.begin(Epoch(3), Sequence(4));
        line.begin(Epoch(4), Sequence(20));

        assert_eq!(line.status_of(Epoch(1)), EpochStatus::Ended { at: Sequence(4) });
        assert_eq!(line.status_of(Epoch(2)), EpochStatus::Ended { at: Sequence(4) });
        assert_eq!(line.status_of(Epoch(3)), EpochStatus::Ended { at: Sequence(20) });
    }

    #[test]
    fn the_oldest_of_too_many_epochs_is_forgotten() {
        let mut line = Line::new(Epoch(0));
        for epoch in 1..=LINE_EPOCHS_MAX as u64 + 1 {
            line.begin(Epoch(epoch), Sequence(epoch));
        }

        assert_eq!(line.status_of(Epoch(0)), EpochStatus::Unknown);
        assert_eq!(line.status_of(Epoch(1)), EpochStatus::Ended { at: Sequence(2) });
    }
}
