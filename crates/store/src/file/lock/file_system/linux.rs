//! What Linux says of a directory: the text of its mounts, or a number.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{fstat, fstatfs, major, minor};

use super::FileSystem;
use super::mounts::{self, Place};
use crate::limits::PROC_BYTES_MAX;

/// File systems of servers, by the number that `statfs` gives: statfs(2). A file system in user space has one number,
/// whatever it is, so it is not here.
const NUMBERS: [(u32, &str); 10] = [
    (0x0000_6969, "nfs"),
    (0x0000_517B, "smbfs"),
    (0xFE53_4D42, "smb3"),
    (0xFF53_4D42, "cifs"),
    (0x0000_564C, "ncpfs"),
    (0x5346_414F, "afs"),
    (0x6B41_4653, "afs"),
    (0x7375_7245, "coda"),
    (0x0BD0_0BD0, "lustre"),
    (0x2003_0528, "orangefs"),
];

impl FileSystem {
    /// The one that a directory is on.
    pub(in crate::file::lock) fn of(dir: &File, path: &Path) -> Self {
        let by_mounts = || mounts::file_system(&proc_text("/proc/self/mountinfo").ok()?, &place(dir, path)?);
        by_mounts().or_else(|| by_number(number(dir)?)).unwrap_or(Self::UNKNOWN)
    }
}

fn place(dir: &File, path: &Path) -> Option<Place> {
    let device = fstat(dir).ok()?.st_dev;
    Some(Place { device: (major(device), minor(device)), path: fs::canonicalize(path).ok()? })
}

/// The number that `statfs` gives. Its width differs between processors; the numbers have 32 bits.
fn number(dir: &File) -> Option<u32> {
    Some(fstatfs(dir).ok()?.f_type as u32)
}

fn by_number(number: u32) -> Option<FileSystem> {
    let (_, kind) = NUMBERS.iter().find(|(known, _)| *known == number)?;
    Some(mounts::of_server(kind))
}

/// A file of `/proc`, as bytes: names of mount points need not be UTF-8.
#[expect(clippy::disallowed_methods, reason = "the kernel's word, and no part of the log")]
pub(in crate::file::lock) fn proc_text(path: &str) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(PROC_BYTES_MAX).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use rustix::fs::NFS_SUPER_MAGIC;

    use super::*;

    #[test]
    fn without_a_list_of_mounts_a_number_tells_the_file_systems_of_servers() {
        assert_eq!(by_number(NFS_SUPER_MAGIC as u32).unwrap().kind, "nfs");
        for (number, kind) in NUMBERS {
            assert!(by_number(number).unwrap().refusal.is_some(), "{kind}");
        }
        let (ext4, ceph) = (0x0000_EF53, 0x00C3_6400);
        assert_eq!((by_number(ext4), by_number(ceph)), (None, None));
    }

    #[test]
    fn the_system_tells_the_type_of_a_directory_both_ways() {
        let proc = File::open("/proc").unwrap();

        assert_eq!(FileSystem::of(&proc, Path::new("/proc")).kind, "proc");
        assert_eq!(number(&proc), Some(rustix::fs::PROC_SUPER_MAGIC as u32));
    }
}
