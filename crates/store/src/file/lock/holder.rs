//! Which process holds a lock, for the message to the next one.

use std::fs::{File, TryLockError};
use std::io::Read;
use std::path::Path;

use crate::limits::{LOCK_BYTES_MAX, LOCK_LIST_READS_MAX};

/// The process that holds the lock on `locked`, if that can be known. The kernel's list names it if it is not in another
/// container; `LOCK` names it if nobody has removed that file.
pub(super) fn of(locked: &File, lock_file: &Path) -> Option<u32> {
    of_kernel(locked).or_else(|| of_file(lock_file))
}

/// What the kernel says. It takes no lock, not for a moment either.
#[cfg(target_os = "linux")]
pub(crate) fn of_kernel(locked: &File) -> Option<u32> {
    use rustix::fs::{fstat, major, minor};

    let stat = fstat(locked).ok()?;
    let inode = Inode { major: major(stat.st_dev), minor: minor(stat.st_dev), number: stat.st_ino };
    // The kernel hands the list out in pieces, and a lock that goes between two of them moves another one out of sight.
    (0..LOCK_LIST_READS_MAX).find_map(|_| {
        let list = super::file_system::proc_text("/proc/locks").ok()?;
        in_locks(&String::from_utf8_lossy(&list), &inode)
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn of_kernel(_locked: &File) -> Option<u32> {
    None
}

/// What `LOCK` says, if its process still has it. A process that has ended leaves its number there.
#[expect(clippy::disallowed_methods, reason = "the lock is the system's, and no part of the log")]
fn of_file(lock_file: &Path) -> Option<u32> {
    let file = File::open(lock_file).ok()?;
    if !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let mut text = String::new();
    file.take(LOCK_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// A file, as `/proc/locks` names it.
#[cfg(target_os = "linux")]
struct Inode {
    major: u32,
    minor: u32,
    number: u64,
}

/// Looks for the holder of an `flock` in the text of `/proc/locks`: proc_locks(5).
#[cfg(target_os = "linux")]
fn in_locks(text: &str, inode: &Inode) -> Option<u32> {
    let Inode { major, minor, number } = inode;
    let wanted = format!("{major:02x}:{minor:02x}:{number}");
    text.lines().find_map(|line| {
        // A line of one that waits has an arrow in the place of the kind.
        let mut fields = line.split_ascii_whitespace().skip(1);
        let is_flock = fields.next() == Some("FLOCK");
        let pid = fields.nth(2)?.parse().ok().filter(|pid| *pid != 0);
        (is_flock && fields.next() == Some(&*wanted)).then_some(pid)?
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const LOCKS: &str = "\
1: POSIX  ADVISORY  WRITE 11 fe:0a:4711 0 EOF
2: FLOCK  ADVISORY  WRITE 12 fe:0a:47110 0 EOF
3: -> FLOCK  ADVISORY  WRITE 13 fe:0a:4711 0 EOF
broken
4: FLOCK  ADVISORY  WRITE 14 fe:0a:4711 0 EOF
5: FLOCK  ADVISORY  WRITE 0 08:01:1 0 EOF
";

    fn holder(major: u32, minor: u32, number: u64) -> Option<u32> {
        in_locks(LOCKS, &Inode { major, minor, number })
    }

    #[test]
    fn the_holder_of_a_lock_is_found_among_other_locks() {
        assert_eq!(holder(0xfe, 0x0a, 4_711), Some(14));
    }

    #[test]
    fn a_lock_of_another_container_or_of_nobody_names_no_process() {
        assert_eq!(holder(8, 1, 1), None);
        assert_eq!(holder(8, 1, 2), None);
    }
}
