//! What is wrong in a data directory, and where.

use std::fmt;
use std::ops::RangeInclusive;

use tidings_core::Sequence;

use crate::file::fault::Fault;

/// A place in a file that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The name of the file, in the directory.
    pub file: String,
    /// Where in it.
    pub offset: u64,
    /// What is wrong there.
    pub what: String,
    /// The events that cannot be read because of it. None if there is none: an index is made anew from its segment.
    pub events: Option<RangeInclusive<Sequence>>,
}

impl Damage {
    pub(super) fn new(file: impl Into<String>, offset: u64, what: impl Into<String>) -> Self {
        Self { file: file.into(), offset, what: what.into(), events: None }
    }

    pub(super) fn of(fault: Fault) -> Self {
        match fault {
            Fault::Io { file, source } => Self::new(file, 0, source.to_string()),
            Fault::Damaged { file, offset, what, .. } | Fault::Corrupt { file, offset, what } => {
                Self::new(file, offset, what)
            }
        }
    }

    /// The events from one to the one before another are lost.
    pub(super) fn losing(self, first: Sequence, next: Sequence) -> Self {
        Self { events: (first < next).then(|| first..=next.previous()), ..self }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}", self.file, self.offset, self.what)?;
        match &self.events {
            None => Ok(()),
            Some(events) if events.start() == events.end() => {
                write!(f, "; event {} cannot be read", events.start())
            }
            Some(events) => write!(f, "; events {} to {} cannot be read", events.start(), events.end()),
        }
    }
}

/// How far a tool has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes of the log that were read.
    pub done: u64,
    /// Bytes of the log.
    pub total: u64,
}
