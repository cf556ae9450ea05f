//! The real disk.

#![expect(clippy::disallowed_methods, reason = "this is the disk that the rest of the crate goes through")]

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use rustix::fs::{
    Advice, AtFlags, Dir, FallocateFlags, Mode, OFlags, fadvise, fallocate, fstatvfs, openat, renameat,
    unlinkat,
};
use rustix::io::Errno;

use super::{Disk, DiskFile, FreeSpace};
use crate::file::directory::FILE_MODE;
use crate::limits::ZEROS_BYTES;

/// What is written at once where a file system cannot set space aside.
static ZEROS: [u8; ZEROS_BYTES] = [0; ZEROS_BYTES];

/// A directory of the operating system. All names are looked up in the directory that was opened, and never by its path:
/// somebody may rename it, and make another one in its place, for another hub.
#[derive(Debug)]
pub(crate) struct OsDisk {
    dir: File,
    /// How its files are opened.
    access: OFlags,
}

impl OsDisk {
    /// Takes a directory that is open. It is opened again, so that a lock on it is not held any longer for this.
    pub(crate) fn new(dir: &File) -> io::Result<Self> {
        Self::with(dir, OFlags::RDWR)
    }

    /// As [`new`](Self::new), of which nothing can be changed: what would change it is refused.
    pub(crate) fn read_only(dir: &File) -> io::Result<Self> {
        Self::with(dir, OFlags::RDONLY)
    }

    fn with(dir: &File, access: OFlags) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { dir: File::from(openat(dir, ".", flags, Mode::empty())?), access })
    }

    fn refuse_if_read_only(&self) -> io::Result<()> {
        match self.access == OFlags::RDONLY {
            true => Err(Errno::ROFS.into()),
            false => Ok(()),
        }
    }

    fn open_with(&self, name: &str, flags: OFlags) -> io::Result<Arc<dyn DiskFile>> {
        // A link that somebody has put in the place of a file of ours would have us write to another one.
        let flags = self.access | OFlags::CLOEXEC | OFlags::NOFOLLOW | flags;
        Ok(Arc::new(File::from(openat(&self.dir, name, flags, FILE_MODE)?)))
    }
}

impl Disk for OsDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let entries = Dir::read_from(&self.dir)?;
        let names = entries.map(|entry| Ok(entry?.file_name().to_str().ok().map(str::to_owned)));
        names.filter_map(io::Result::transpose).collect()
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.refuse_if_read_only()?;
        self.open_with(name, OFlags::CREATE | OFlags::TRUNC)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.open_with(name, OFlags::empty())
    }

    fn open_to_read_through(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = File::from(openat(&self.dir, name, flags, FILE_MODE)?);
        // A wish: an older system does not heed it, and reads all the same.
        let _ = fadvise(&file, 0, None, Advice::NoReuse);
        Ok(Arc::new(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.refuse_if_read_only()?;
        Ok(renameat(&self.dir, from, &self.dir, to)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.refuse_if_read_only()?;
        Ok(unlinkat(&self.dir, name, AtFlags::empty())?)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.dir.sync_all()
    }

    fn free_space(&self) -> io::Result<FreeSpace> {
        let found = fstatvfs(&self.dir)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(FreeSpace { free: bytes(found.f_bavail), total: bytes(found.f_blocks) })
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match FileExt::read_at(self, &mut buffer[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(bytes) => done += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        Self::set_len(self, bytes)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let from = DiskFile::len(self)?;
        if bytes <= from {
            return Ok(());
        }
        loop {
            match fallocate(self, FallocateFlags::empty(), from, bytes - from) {
                Err(Errno::INTR) => {}
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => return write_zeros(self, from, bytes),
                other => return Ok(other?),
            }
        }
    }
}

/// Sets space aside the slow way.
fn write_zeros(file: &File, from: u64, to: u64) -> io::Result<()> {
    let mut at = from;
    while at < to {
        let bytes = ZEROS.len().min(usize::try_from(to - at).unwrap_or(usize::MAX));
        file.write_all_at(&ZEROS[..bytes], at)?;
        at += bytes as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Names are looked at before this; a link may appear after that.
    #[test]
    fn a_link_is_neither_opened_nor_emptied() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(dir.path().join("victim"), "precious").unwrap();
        symlink("../victim", data.join("META.new")).unwrap();
        let disk = OsDisk::new(&File::open(&data).unwrap()).unwrap();

        let (opened, created) = (disk.open("META.new").err(), disk.create("META.new").err());

        let errors = [opened, created].map(|error| error.and_then(|error| Errno::from_io_error(&error)));
        assert_eq!(errors, [Some(Errno::LOOP); 2]);
        assert_eq!(std::fs::read_to_string(dir.path().join("victim")).unwrap(), "precious");
    }
}
