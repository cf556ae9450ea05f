//! A bounded number of open files: those of segments that have ended, and of their indexes.
//!
//! A log may have more files than a process may have open. A file of the pool is opened when it is read, by its name, and closed when
//! others are read and it has not been for the longest. What grows is not in the pool: the newest segment stays open. A file that was
//! removed meanwhile is missing when it is read the next time; [`LogReader`](crate::file::read::LogReader) says what that means.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskFile, FreeSpace, is_without_descriptor};
use crate::limits::OPEN_FILES_MIN;

/// A disk on which files that have ended share a bounded number of descriptors.
pub(crate) struct PoolDisk {
    disk: Arc<dyn Disk>,
    pool: Arc<Pool>,
}

struct Pool {
    files_max: usize,
    /// Those that are open. A reading may hold one that has just been taken out.
    open: Mutex<Vec<Arc<Slot>>>,
    /// Counts uses.
    uses: AtomicU64,
}

#[derive(Default)]
struct Slot {
    file: Mutex<Option<Arc<dyn DiskFile>>>,
    /// The number of its last use.
    used: AtomicU64,
}

/// A file that is open while it is read, and for some time after.
struct PoolFile {
    disk: Arc<dyn Disk>,
    pool: Arc<Pool>,
    name: String,
    slot: Arc<Slot>,
}

impl PoolDisk {
    /// `files_max` files that have ended are open at once. A few more may be, for a moment: one for each thread that reads.
    pub(crate) fn new(disk: Arc<dyn Disk>, files_max: usize) -> Self {
        let files_max = files_max.max(OPEN_FILES_MIN);
        Self { disk, pool: Arc::new(Pool { files_max, open: Mutex::default(), uses: AtomicU64::new(0) }) }
    }
}

impl Disk for PoolDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.pool.with_room(|| self.disk.create(name))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.pool.with_room(|| self.disk.open(name))
    }

    fn open_ended(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let (disk, pool) = (self.disk.clone(), self.pool.clone());
        Ok(Arc::new(PoolFile { disk, pool, name: name.to_owned(), slot: Arc::default() }))
    }

    fn open_to_read_through(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.pool.with_room(|| self.disk.open_to_read_through(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.disk.sync_dir()
    }

    fn free_space(&self) -> io::Result<FreeSpace> {
        self.disk.free_space()
    }
}

impl Pool {
    /// Opens something. If the process has no descriptor left, the pool gives up its own, and it is tried once more.
    fn with_room<T>(&self, open: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match open() {
            Err(error) if is_without_descriptor(&error) && self.close_all() => open(),
            opened => opened,
        }
    }

    /// Whether anything was closed.
    fn close_all(&self) -> bool {
        let slots = std::mem::take(&mut *self.open());
        slots.iter().for_each(|slot| slot.close());
        !slots.is_empty()
    }

    /// Takes in a file that was opened, and closes the one that has not been used for the longest if there are too many.
    fn admit(&self, slot: &Arc<Slot>) {
        let mut open = self.open();
        open.push(slot.clone());
        let oldest = (open.len() > self.files_max)
            .then(|| (0..open.len()).min_by_key(|at| open[*at].used.load(Ordering::Relaxed)))
            .flatten()
            .map(|at| open.swap_remove(at));
        drop(open);
        if let Some(oldest) = oldest {
            oldest.close();
        }
    }

    /// Lets go of a file that nobody will read any more.
    fn forget(&self, slot: &Arc<Slot>) {
        self.open().retain(|other| !Arc::ptr_eq(other, slot));
    }

    fn open(&self) -> MutexGuard<'_, Vec<Arc<Slot>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn close(&self) {
        // The system closes the file when the last reading that has it is done.
        let file = self.file().take();
        drop(file);
    }

    fn file(&self) -> MutexGuard<'_, Option<Arc<dyn DiskFile>>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PoolFile {
    /// The open file.
    fn file(&self) -> io::Result<Arc<dyn DiskFile>> {
        self.slot.used.store(self.pool.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        // Two locks are never held at once, but for the look at the pool when there is no descriptor: that one takes no lock of a slot
        // that is about to be opened, since a slot is in the pool only when it is open.
        let mut slot = self.slot.file();
        if let Some(file) = &*slot {
            return Ok(file.clone());
        }
        let file = self.pool.with_room(|| self.disk.open(&self.name))?;
        *slot = Some(file.clone());
        drop(slot);
        self.pool.admit(&self.slot);
        Ok(file)
    }
}

impl Drop for PoolFile {
    fn drop(&mut self) {
        self.pool.forget(&self.slot);
    }
}

impl DiskFile for PoolFile {
    fn len(&self) -> io::Result<u64> {
        self.file()?.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file()?.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file()?.write_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file()?.sync_data()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file()?.set_len(bytes)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.file()?.allocate(bytes)
    }
}

#[cfg(test)]
mod tests;
