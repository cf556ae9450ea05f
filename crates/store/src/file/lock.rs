//! The lock on the directory: two processes that write one log would destroy it.
//!
//! What is locked is the directory itself, so that the lock does not go when a file in it is removed. The file `LOCK` is
//! locked, too: it names the process, and it keeps out older hubs, which lock nothing else.

mod file_system;
pub(crate) mod holder;

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

use rustix::fs::{OFlags, openat};
use rustix::io::Errno;

use super::directory::FILE_MODE;
use super::names;
use super::open_error::OpenError;
use file_system::FileSystem;

/// What the system says where it has no `flock`: not this call, not for this file, no such locks.
const NO_FLOCK: [Errno; 4] = [Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOTSUP, Errno::NOLCK];

/// Held as long as the store is open. The system lets go of it however the process ends.
pub(crate) struct Lock {
    _dir: File,
    _file: File,
}

/// The directory is locked, and nothing was written to it.
#[must_use = "the file has to be locked, too"]
pub(crate) struct LockedDirectory<'a> {
    /// The directory.
    pub(crate) dir: File,
    path: &'a Path,
    file_system: FileSystem,
}

impl<'a> LockedDirectory<'a> {
    /// Locks the directory, or says who has it, or why a lock means nothing there.
    #[expect(clippy::disallowed_methods, reason = "the lock is the system's, and no part of the log")]
    pub(crate) fn take(path: &'a Path) -> Result<Self, OpenError> {
        let dir = File::open(path).map_err(io_error(path))?;
        let file_system = FileSystem::of(&dir, path);
        if let Some(why) = file_system.refusal {
            return Err(OpenError::NoLock {
                dir: path.to_owned(),
                file_system: file_system.kind.into(),
                why,
            });
        }
        lock(&dir, path, path, &file_system)?;
        Ok(Self { dir, path, file_system })
    }

    /// Locks the file in it, too. It overwrites what is in the file.
    pub(crate) fn with_file(self) -> Result<Lock, OpenError> {
        let Self { dir, path, file_system } = self;
        let name = path.join(names::LOCK);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&dir, names::LOCK, flags, FILE_MODE);
        let mut file = File::from(file.map_err(|error| io_error(&name)(error.into()))?);
        lock(&file, &name, path, &file_system)?;
        // Only for the message to the next one; without space there is none.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Lock { _dir: dir, _file: file })
    }
}

/// Locks the directory or the file in it.
fn lock(file: &File, name: &Path, dir: &Path, file_system: &FileSystem) -> Result<(), OpenError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            Err(OpenError::InUse { dir: dir.to_owned(), pid: holder::of(file, &dir.join(names::LOCK)) })
        }
        Err(TryLockError::Error(error)) => Err(refused(error, name, dir, file_system)),
    }
}

/// What it means that the system does not lock.
fn refused(error: io::Error, name: &Path, dir: &Path, file_system: &FileSystem) -> OpenError {
    if Errno::from_io_error(&error).is_some_and(|errno| NO_FLOCK.contains(&errno)) {
        let (dir, file_system) = (dir.to_owned(), file_system.kind.clone().into());
        return OpenError::NoLock { dir, file_system, why: "the system has no locks there" };
    }
    io_error(name)(error)
}

fn io_error(name: &Path) -> impl FnOnce(io::Error) -> OpenError + '_ {
    move |source| OpenError::Io { file: name.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_flock_is_refused_and_a_failing_disk_is_told_as_it_is() {
        let (dir, file_system) = (Path::new("/data"), FileSystem { kind: "odd".into(), refusal: None });
        let told = |errno: Errno| refused(errno.into(), dir, dir, &file_system).to_string();

        for errno in NO_FLOCK {
            let sentence = "/data is on a file system of type odd: the system has no locks there";
            assert_eq!(told(errno), sentence);
        }
        assert_eq!(told(Errno::IO), "/data: Input/output error (os error 5)");
    }
}
