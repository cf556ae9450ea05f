//! A gap: events that a subscriber asked for and that can no longer be had. Always declared, never silent.

use crate::event::Cursor;

/// What a subscriber is told when events are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The place that was asked for, as it was asked for.
    pub requested: String,
    /// Why it cannot be had.
    pub lost: Lost,
    /// Where the stream goes on: with the first event after this place.
    pub resumes_after: Cursor,
}

/// Why a place cannot be resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Events after the place have left the store, or all events of its epoch.
    Expired,
    /// The log does not know the place: never given, or no longer held, or after the end of the log.
    Unknown,
    /// The place is of another life of the log, or beyond where its life ended.
    OtherEpoch,
    /// The store holds the events that come next, or did, and cannot read them: a disk has changed or lost their bytes.
    Damaged,
}

impl Lost {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Expired, Self::Unknown, Self::OtherEpoch, Self::Damaged];

    /// A stable word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::OtherEpoch => "other-epoch",
            Self::Damaged => "damaged",
        }
    }
}

/// Where a stream goes on after a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnGap {
    /// With the first event that can be had and that the subscriber may not have.
    #[default]
    Earliest,
    /// With what is published from now on.
    Latest,
}

impl OnGap {
    /// The gap before a subscriber goes on, and where it does. `earliest` is the place from which nothing that can
    /// still be had is missed, `head` the end of the log.
    pub(crate) fn declare(self, requested: String, lost: Lost, earliest: Cursor, head: Cursor) -> Gap {
        let resumes_after = match self {
            Self::Earliest => earliest,
            Self::Latest => head,
        };
        Gap { requested, lost, resumes_after }
    }
}
