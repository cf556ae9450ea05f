//! Why a stream ends, and what its client is told.
//!
//! One table for every transport: [`Ending::code`] is the word in logs and documents, and a transport that closes with
//! a number of its own finds it here.

use std::fmt;

use tidings_core::Dismissal;

/// Why a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The hub is ending, and the stream's turn in the drain has come.
    Drain,
    /// The stream is as old as a stream may become.
    Age,
    /// The hub's log was closed: no event will come.
    HubClosed,
    /// The hub could not read its log, and asked often enough.
    StoreFailed,
    /// An operator ended it.
    Dismissed,
    /// What allowed the client to read is over.
    AccessEnded,
    /// The client took nothing of what was written to it for too long.
    WriteStalled,
    /// The client sent more than a reader of this transport has to say.
    ClientBytes,
    /// The client has gone.
    ClientGone,
}

impl Ending {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Drain,
        Self::Age,
        Self::HubClosed,
        Self::StoreFailed,
        Self::Dismissed,
        Self::AccessEnded,
        Self::WriteStalled,
        Self::ClientBytes,
        Self::ClientGone,
    ];

    /// A stable word for programs and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Age => "age",
            Self::HubClosed => "hub-closed",
            Self::StoreFailed => "store-failed",
            Self::Dismissed => "dismissed",
            Self::AccessEnded => "access-ended",
            Self::WriteStalled => "write-stalled",
            Self::ClientBytes => "client-bytes",
            Self::ClientGone => "client-gone",
        }
    }

    /// Whether the client is told when to come back. The others cannot be told anything: they take no bytes, or have
    /// broken the rules of their transport, or are gone.
    pub fn has_farewell(self) -> bool {
        match self {
            Self::Drain
            | Self::Age
            | Self::HubClosed
            | Self::StoreFailed
            | Self::Dismissed
            | Self::AccessEnded => true,
            Self::WriteStalled | Self::ClientBytes | Self::ClientGone => false,
        }
    }

    /// Whether events that are at hand come before it, so that they need not be asked for again. A client whose access is over
    /// may not read them, and one that an operator ends ends at once.
    pub fn comes_after_events(self) -> bool {
        match self {
            Self::Drain | Self::Age | Self::HubClosed | Self::StoreFailed => true,
            Self::Dismissed
            | Self::AccessEnded
            | Self::WriteStalled
            | Self::ClientBytes
            | Self::ClientGone => false,
        }
    }
}

impl From<Dismissal> for Ending {
    fn from(dismissal: Dismissal) -> Self {
        match dismissal {
            Dismissal::ByOperator => Self::Dismissed,
            Dismissal::AccessEnded => Self::AccessEnded,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
