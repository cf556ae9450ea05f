//! What the store needs of a disk: a directory of files, written and read at offsets, and made durable.
//!
//! Two implementations: [`OsDisk`](os::OsDisk), and one in the tests that can fail, or lose power, at any point. A [`PoolDisk`](pool::PoolDisk)
//! stands before either, and keeps few files open.

pub(crate) mod blocks;
pub(crate) mod os;
pub(crate) mod pool;
#[cfg(test)]
pub(crate) mod sim;

use std::io;
use std::sync::Arc;

/// A directory of files. A change to it is durable once [`sync_dir`](Self::sync_dir) has returned.
pub(crate) trait Disk: Send + Sync + 'static {
    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes an empty file; one of this name is emptied.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file that is there, to read and to write.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file once more, to read it through once: what is read so should not push out of memory what is read often.
    fn open_to_read_through(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.open(name)
    }

    /// Opens a file that does not grow any more, to read. It may be opened at its first use only, be closed between two uses, and be
    /// missing at the next one if it was removed.
    fn open_ended(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.open(name)
    }

    /// Renames a file; one that has the new name goes away in the same act.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Whoever has it open can go on reading.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes all changes of names durable.
    fn sync_dir(&self) -> io::Result<()>;

    /// The space of its file system.
    fn free_space(&self) -> io::Result<FreeSpace>;
}

/// Bytes of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeSpace {
    /// Those that this process may still take.
    pub free: u64,
    /// All of them.
    pub total: u64,
}

/// An open file. A change to it is durable once [`sync_data`](Self::sync_data) has returned.
pub(crate) trait DiskFile: Send + Sync {
    /// Bytes in the file.
    fn len(&self) -> io::Result<u64>;

    /// Reads into the whole buffer, or up to the end of the file; returns the number of bytes read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all bytes. After an error, any of them may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes what was written durable, and the length with it.
    fn sync_data(&self) -> io::Result<()>;

    /// Cuts or extends the file.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Makes the file at least so long, with space on the disk for every byte of it. New bytes read as zeros.
    fn allocate(&self, bytes: u64) -> io::Result<()>;
}

/// Whether an error says that the disk cannot read what is there, while it may read what is beside it.
pub(crate) fn is_unreadable(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}

/// Whether an error says that the process, or the system, has no descriptor left for another file. That says nothing of the file, and passes.
pub(crate) fn is_without_descriptor(error: &io::Error) -> bool {
    let errors = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE];
    errors.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Whether an error says that there is no space left, for this file system or this user.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
