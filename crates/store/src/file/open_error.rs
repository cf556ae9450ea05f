//! Why a store cannot be opened.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use super::fault::Fault;

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it.
    #[error("{} is in use by {}", dir.display(), pid.map_or("another process".to_owned(), |pid| format!("process {pid}")))]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// The process, if it has said so.
        pid: Option<u32>,
    },
    /// A lock there would not keep a second process out: it is on the file system of a server, or of a kind without locks.
    #[error("{} is on a file system of type {file_system}: {why}", dir.display())]
    NoLock {
        /// The directory.
        dir: PathBuf,
        /// What the system calls the type of its file system.
        file_system: String,
        /// Why a lock means nothing there.
        why: &'static str,
    },
    /// Something is in the directory that no store has put there. Nothing was changed.
    #[error("{} holds {name:?}, {what} that is no store's", dir.display())]
    NotOurs {
        /// The directory.
        dir: PathBuf,
        /// The first such name in it.
        name: String,
        /// What has this name: "a file", "a directory", "a symbolic link" or "a special file".
        what: &'static str,
    },
    /// The system refuses.
    #[error("{file}: {source}")]
    Io {
        /// The file or directory.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// The bytes are not what was written, and it was not a crash.
    #[error("the log is corrupt: {file} at byte {offset}: {what}")]
    Corrupt {
        /// The name of the file, in the directory.
        file: String,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
}

impl OpenError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "end the other hub, or give this one a directory of its own",
            Self::NoLock { .. } => "put the data on a disk of this machine",
            Self::NotOurs { .. } => {
                "name a directory that is empty or does not exist yet, such as a new one inside this one; nothing was changed in it. If it \
                 is the hub's, move out of it what is not"
            }
            Self::Io { source, .. } => match source.kind() {
                ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
                    "something of this name is there, and is no directory; name a directory"
                }
                ErrorKind::NotFound => {
                    "no directory can be made there; see whether the path leads through a link to nothing"
                }
                ErrorKind::PermissionDenied => {
                    "let the user of this process read and write the directory, or name another"
                }
                ErrorKind::ReadOnlyFilesystem => "name a directory on a file system that can be written to",
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room on the disk of the directory",
                _ => "see that the directory can be read and written, and look at its disk",
            },
            Self::Corrupt { .. } => {
                "nothing was changed; `tidings store repair` says what can be done about it, and a backup can be put in the place of the directory"
            }
        }
    }
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Io { file, source } => Self::Io { file, source },
            Fault::Damaged { file, offset, what, .. } | Fault::Corrupt { file, offset, what } => {
                Self::Corrupt { file, offset, what }
            }
        }
    }
}
