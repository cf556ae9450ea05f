//! The lock on the directory: two processes that write one log would destroy it.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use super::names;
use super::open_error::OpenError;
use crate::limits::LOCK_BYTES_MAX;

/// Held as long as the store is open. The system lets go of it however the process ends.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, or says who has it.
    #[expect(clippy::disallowed_methods, reason = "the lock is the system's, and no part of the log")]
    pub(crate) fn take(dir: &Path) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { file: dir.join(names::LOCK).display().to_string(), source };
        let mut options = File::options();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(dir.join(names::LOCK))
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse { dir: dir.to_owned(), pid: holder(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        // Only for the message to the next one; without space there is none.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(LOCK_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
