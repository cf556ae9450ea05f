//! Why something in the directory could not be read or written.

use std::io;

use tidings_core::{Sequence, StoreError};

use super::names::FileName;
use super::{disk, names};

/// A failure of the disk, or of what is on it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The system refuses.
    #[error("{file}: {source}")]
    Io {
        /// The name of the file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// A segment, or the index beside it, is not what was written there, or cannot be read. To read the segment again, record by
    /// record, tells what is left of it, and makes the index anew.
    #[error("{file} at byte {offset}: {what}")]
    Damaged {
        /// The first event of the segment.
        base: Sequence,
        /// The name of the file.
        file: String,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// The bytes are not what was written.
    #[error("{file} at byte {offset}: {what}")]
    Corrupt {
        /// The name of the file.
        file: String,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
}

impl Fault {
    /// For `map_err`: says which file it was.
    pub(crate) fn io(file: &str) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io { file: file.to_owned(), source }
    }

    pub(crate) fn corrupt(file: &str, offset: u64, what: impl Into<String>) -> Self {
        Self::Corrupt { file: file.to_owned(), offset, what: what.into() }
    }

    /// The fault of a segment.
    pub(crate) fn damaged(base: Sequence, offset: u64, what: impl Into<String>) -> Self {
        Self::Damaged { base, file: names::log(base), offset, what: what.into() }
    }

    /// The fault of an index.
    pub(crate) fn damaged_index(base: Sequence, offset: u64, what: impl Into<String>) -> Self {
        Self::Damaged { base, file: names::index(base), offset, what: what.into() }
    }

    /// For `map_err`, of bytes that are read: a disk that cannot read some of a file may have the others.
    pub(crate) fn unread(base: Sequence, file: &str, offset: u64) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| match disk::is_unreadable(&source) {
            true => Self::Damaged { base, file: file.to_owned(), offset, what: source.to_string() },
            false => Self::Io { file: file.to_owned(), source },
        }
    }

    /// Whether the file is not there.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// The segment whose file, or whose index, is not there.
    pub(crate) fn missing_of(&self) -> Option<Sequence> {
        match self {
            Self::Io { file, .. } if self.is_missing() => match names::parse(file) {
                FileName::Log(base) | FileName::Index(base) => Some(base),
                FileName::Lock | FileName::Meta | FileName::New | FileName::Other => None,
            },
            Self::Io { .. } | Self::Damaged { .. } | Self::Corrupt { .. } => None,
        }
    }

    /// Whether there is no descriptor left for another file.
    pub(crate) fn is_without_descriptor(&self) -> bool {
        matches!(self, Self::Io { source, .. } if disk::is_without_descriptor(source))
    }

    /// Whether there is no space left.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if disk::is_full(source))
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        let text = fault.to_string().into();
        match fault {
            Fault::Io { .. } => Self::Unavailable(text),
            Fault::Damaged { .. } | Fault::Corrupt { .. } => Self::Corrupt(text),
        }
    }
}
