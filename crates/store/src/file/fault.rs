//! Why something in the directory could not be read or written.

use std::io;

use tidings_core::StoreError;

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

    /// Whether there is no space left.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if super::disk::is_full(source))
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        let text = fault.to_string().into();
        match fault {
            Fault::Io { .. } => Self::Unavailable(text),
            Fault::Corrupt { .. } => Self::Corrupt(text),
        }
    }
}
