//! What a record notes: an event, or something that the log says of itself or of a topic.

/// The kinds of records of version 2. A kind that is not here is an error that names its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An event.
    Event,
    /// A stream is created on the record's topic.
    Create,
    /// The stream on the record's topic is closed.
    Close,
    /// The stream on the record's topic is deleted, or has expired.
    Delete,
    /// The content of an event is erased.
    Erase,
    /// What the hub still needs of events that leave the log; an event in everything else.
    State,
    /// An epoch begins after the record before.
    Epoch,
    /// The events before a segment are lost, and somebody has said so: a repair, or a load of a log that had lost them. Older hubs pass
    /// over it.
    Lost,
}

/// Kinds from here on have no place of their own.
const UNPLACED: u8 = 64;

impl Kind {
    pub(super) fn parse(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Event,
            2 => Self::Create,
            3 => Self::Close,
            4 => Self::Delete,
            5 => Self::Erase,
            6 => Self::State,
            64 => Self::Epoch,
            65 => Self::Lost,
            _ => return None,
        })
    }

    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Event => 1,
            Self::Create => 2,
            Self::Close => 3,
            Self::Delete => 4,
            Self::Erase => 5,
            Self::State => 6,
            Self::Epoch => 64,
            Self::Lost => 65,
        }
    }

    /// Whether readers are shown a record of this kind: an event, or the state of something.
    pub(crate) fn is_shown(self) -> bool {
        matches!(self, Self::Event | Self::State)
    }

    /// Whether a record of this kind takes the next sequence. One that does not has the sequence of the record before.
    pub(crate) fn is_placed(self) -> bool {
        self.number() < UNPLACED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_and_its_number_are_one_to_one() {
        let known: Vec<_> = (0..=u8::MAX).filter(|number| Kind::parse(*number).is_some()).collect();

        assert_eq!(known, [1, 2, 3, 4, 5, 6, 64, 65]);
        assert!(known.into_iter().all(|number| Kind::parse(number).unwrap().number() == number));
    }
}
