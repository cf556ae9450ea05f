//! Why a store cannot be opened.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use super::disk::is_without_descriptor;
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
    /// Whether the same may go well later, without anybody changing the directory: another process has it now, or the system refuses something for the moment,
    /// as for want of permission, of space, of file descriptors, or because the disk does not answer.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::InUse { .. } => true,
            Self::Io { source, .. } => !matches!(
                source.kind(),
                ErrorKind::NotADirectory
                    | ErrorKind::AlreadyExists
                    | ErrorKind::NotFound
                    | ErrorKind::InvalidInput
                    | ErrorKind::InvalidFilename
            ),
            Self::NoLock { .. } | Self::NotOurs { .. } | Self::Corrupt { .. } => false,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "end the other hub, or give this one a directory of its own",
            Self::NoLock { .. } => "put the data on a disk of this machine",
            Self::NotOurs { .. } => {
                "name a directory that is empty or does not exist yet, such as a new one inside this one; nothing was changed in it. If it \
                 is the hub's, move out of it what is not"
            }
            Self::Io { source, .. } if is_without_descriptor(source) => {
                "raise the limit of open files (ulimit -n, LimitNOFILE), or end what has so many open"
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
                "nothing was changed; `tidings store verify DIR` tells what is damaged, `tidings store repair DIR` what can be done about it, and a \
                 backup can be put in the place of the directory"
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

#[cfg(test)]
mod tests {
    use super::*;

    fn io(errno: rustix::io::Errno) -> OpenError {
        OpenError::Io { file: "META".to_owned(), source: errno.into() }
    }

    #[test]
    fn what_the_system_refuses_may_pass_and_what_is_written_does_not() {
        use rustix::io::Errno;

        let passing = [
            Errno::IO,
            Errno::NOSPC,
            Errno::DQUOT,
            Errno::MFILE,
            Errno::NFILE,
            Errno::ACCESS,
            Errno::PERM,
            Errno::ROFS,
            Errno::NOMEM,
            Errno::STALE,
            Errno::TIMEDOUT,
        ];
        let lasting = [Errno::NOTDIR, Errno::EXIST, Errno::NOENT, Errno::NAMETOOLONG, Errno::INVAL];

        assert!(passing.into_iter().all(|errno| io(errno).is_passing()));
        assert!(!lasting.into_iter().any(|errno| io(errno).is_passing()));
        let corrupt = OpenError::Corrupt { file: "META".to_owned(), offset: 0, what: String::new() };
        assert!(!corrupt.is_passing());
        assert!(io(Errno::MFILE).hint().contains("ulimit -n"));
    }
}
