//! Where damaged files are kept: beside the data directory, which holds nothing but the files of a store.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::file::directory;
use crate::file::disk::os::OsDisk;
use crate::file::disk::{Disk, DiskFile};
use crate::limits::SCAN_READ_BYTES;

/// A directory that takes copies of damaged files. It is made with the first of them.
pub(super) struct Aside {
    path: PathBuf,
    disk: Option<OsDisk>,
    names: Vec<String>,
}

impl Aside {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, disk: None, names: Vec::new() }
    }

    /// Copies a file, durably. A copy that is there already, of an earlier repair, stays: the new one gets a number.
    #[expect(clippy::disallowed_methods, reason = "a Disk begins with a directory that is open")]
    pub(super) fn keep(&mut self, from: &dyn Disk, name: &str) -> io::Result<()> {
        let disk = match &mut self.disk {
            Some(disk) => disk,
            none => {
                directory::make(&self.path)?;
                none.insert(OsDisk::new(&File::open(&self.path)?)?)
            }
        };
        let there = disk.list()?;
        let names =
            (0_u32..).map(|number| if number == 0 { name.to_owned() } else { format!("{name}.{number}") });
        let kept = names.into_iter().find(|name| !there.contains(name)).unwrap_or_default();
        let file = disk.create(&kept)?;
        copy(&*from.open(name)?, &*file)?;
        file.sync_data()?;
        disk.sync_dir()?;
        self.names.push(kept);
        Ok(())
    }

    /// The directory, and the names of the copies.
    pub(super) fn kept(&self) -> Option<(&Path, &[String])> {
        (!self.names.is_empty()).then_some((&*self.path, &*self.names))
    }
}

/// Copies a file. What cannot be read of it is zeros.
pub(super) fn copy(from: &dyn DiskFile, to: &dyn DiskFile) -> io::Result<u64> {
    let mut bytes = vec![0; SCAN_READ_BYTES];
    let (mut at, end) = (0, from.len()?);
    while at < end {
        let length = usize::try_from(end - at).unwrap_or(bytes.len()).min(bytes.len());
        let read = match from.read_at(&mut bytes[..length], at) {
            Err(error) if crate::file::disk::is_unreadable(&error) => {
                bytes[..length].fill(0);
                length
            }
            read => read?,
        };
        if read == 0 {
            break;
        }
        to.write_at(&bytes[..read], at)?;
        at += read as u64;
    }
    Ok(at)
}
