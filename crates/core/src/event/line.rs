//! The line of a log: the epochs that it has lived through, and where each of them ended.
//!
//! Each life of a log is an epoch. A log that loses events it had shown (a promoted replica, a restored copy, a disk that
//! failed) goes on in a new epoch from the last place that is still true. Places up to there stay good under their old
//! name; places beyond it were cut off, and their readers must hear of a gap.
//!
//! The same rule, and the name "epoch", as in Kafka's KIP-101.

use crate::event::cursor::{Cursor, Epoch, Sequence};

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

    /// All epochs, oldest first.
    pub fn epochs(&self) -> impl Iterator<Item = Epoch> {
        self.ended.iter().map(|ended| ended.epoch).chain([self.epoch])
    }

    /// Ends the current epoch at a place and begins another one there. Earlier epochs that reached beyond the place
    /// end there, too.
    pub fn begin(&mut self, epoch: Epoch, after: Sequence) {
        self.ended.push(Ended { epoch: self.epoch, at: after });
        // They end in order, so that those which reach beyond the place are the last ones.
        for ended in self.ended.iter_mut().rev().take_while(|ended| ended.at >= after) {
            ended.at = after;
        }
        self.epoch = epoch;
    }

    /// Forgets the epochs that ended before a place: the place before the earliest event that is held.
    pub fn forget_before(&mut self, floor: Sequence) {
        let gone = self.ended.partition_point(|ended| ended.at < floor);
        self.ended.drain(..gone);
    }

    /// Forgets the oldest epochs, all but the newest `epochs_max` of those that are over.
    pub fn forget_all_but(&mut self, epochs_max: usize) {
        let gone = self.ended.len().saturating_sub(epochs_max);
        self.ended.drain(..gone);
    }

    /// What the line knows of an epoch.
    pub fn status_of(&self, epoch: Epoch) -> EpochStatus {
        if epoch == self.epoch {
            return EpochStatus::Current;
        }
        let ended = self.ended.iter().rev().find(|ended| ended.epoch == epoch);
        ended.map_or(EpochStatus::Unknown, |ended| EpochStatus::Ended { at: ended.at })
    }

    /// The place of an event, in the epoch in which it was written: the oldest on the line that reaches as far.
    pub fn place(&self, sequence: Sequence) -> Cursor {
        let at = self.ended.partition_point(|ended| ended.at < sequence);
        Cursor::new(self.ended.get(at).map_or(self.epoch, |ended| ended.epoch), sequence)
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
    fn an_event_is_named_after_the_epoch_in_which_it_was_written() {
        let mut line = Line::new(Epoch(1));
        line.begin(Epoch(2), Sequence(10));
        line.begin(Epoch(3), Sequence(11));

        let epochs = [1, 10, 11, 12, 99].map(|sequence| line.place(Sequence(sequence)).epoch.0);

        assert_eq!(epochs, [1, 1, 2, 3, 3]);
    }

    #[test]
    fn an_epoch_leaves_when_it_ended_before_the_first_event_held() {
        let mut line = Line::new(Epoch(1));
        line.begin(Epoch(2), Sequence(10));
        line.begin(Epoch(3), Sequence(20));

        line.forget_before(Sequence(10));
        // Who has read to the end of the first epoch misses nothing that was held.
        assert_eq!(line.status_of(Epoch(1)), EpochStatus::Ended { at: Sequence(10) });

        line.forget_before(Sequence(11));
        assert_eq!(line.status_of(Epoch(1)), EpochStatus::Unknown);
        assert_eq!(line.status_of(Epoch(2)), EpochStatus::Ended { at: Sequence(20) });
    }

    #[test]
    fn the_oldest_of_too_many_epochs_are_forgotten() {
        let mut line = Line::new(Epoch(0));
        for epoch in 1..=5 {
            line.begin(Epoch(epoch), Sequence(epoch));
        }

        line.forget_all_but(2);

        assert_eq!(line.status_of(Epoch(2)), EpochStatus::Unknown);
        assert_eq!(line.status_of(Epoch(3)), EpochStatus::Ended { at: Sequence(4) });
        assert_eq!(line.status_of(Epoch(4)), EpochStatus::Ended { at: Sequence(5) });
        assert_eq!(line.epoch(), Epoch(5));
    }
}
