//! The allocator of glibc: mallinfo(3), malloc_trim(3).

use std::fs;

pub(crate) fn free_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    Some(difference(anonymous_bytes(&status)?, bytes_in_use_modulo_32_bits()))
}

#[expect(unsafe_code, reason = "malloc_trim has no safe interface")]
pub(crate) fn give_back() -> bool {
    // SAFETY: `malloc_trim` takes no pointer and may be called at any time from any thread (MT-Safe in malloc_trim(3)).
    // It takes the locks of the heaps as every allocation does, and gives back pages that hold no allocation.
    let gave = unsafe { libc::malloc_trim(0) };
    gave == 1
}

/// Bytes that are allocated, as much of the number as glibc tells.
#[expect(unsafe_code, reason = "mallinfo has no safe interface")]
fn bytes_in_use_modulo_32_bits() -> u32 {
    // `mallinfo2` has whole numbers, but is missing before glibc 2.33, where the program would not even start.
    // SAFETY: `mallinfo` takes nothing, returns numbers, and takes the locks of the heaps as every allocation does. That
    // it is called unsafe for threads in mallinfo(3) is about settings of mallopt(3), which nothing here changes.
    let info = unsafe { libc::mallinfo() };
    (info.uordblks as u32).wrapping_add(info.hblkhd as u32)
}

/// What is resident and not in use, if that is less than 2 GiB. Of what is in use only the lower 32 bits are known.
fn difference(resident: u64, in_use: u32) -> u64 {
    let difference = (resident as u32).wrapping_sub(in_use);
    // More is in use than is resident: memory that was never written.
    u64::from(if difference < 1 << 31 { difference } else { 0 })
}

/// Bytes of memory of its own that a process has, from its status in proc_pid_status(5).
fn anonymous_bytes(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn memory_that_was_freed_goes_back() {
        let mut pieces: Vec<Vec<u8>> = (0..8_192).map(|_| vec![1; 16 << 10]).collect();
        let before = free_bytes().unwrap();
        // What is kept stands between what is freed, and at the end: the allocator gives back nothing by itself.
        let kept: Vec<Vec<u8>> = pieces.iter_mut().step_by(64).map(std::mem::take).collect();
        drop(pieces);
        let freed = free_bytes().unwrap();
        assert!(freed > before + 100 * MIB, "{before} to {freed}");

        assert!(give_back());

        let after = free_bytes().unwrap();
        assert!(after < before + 16 * MIB, "{freed} to {after}");
        assert!(kept.iter().flatten().all(|byte| *byte == 1));
    }

    #[test]
    fn what_is_in_use_may_be_more_than_32_bits_tell() {
        assert_eq!(difference(5 << 30, (5_u64 << 30) as u32 - 40), 40);
        assert_eq!(difference((4 << 30) + 10, u32::MAX), 11);
        assert_eq!(difference(100, 200), 0);
    }

    #[test]
    fn a_status_without_the_line_is_not_understood() {
        assert_eq!(anonymous_bytes("VmRSS:\t  9 kB\nRssAnon:\t    6216 kB\n"), Some(6_216 * 1_024));
        assert_eq!(anonymous_bytes("VmRSS:\t  9 kB\n"), None);
        assert_eq!(anonymous_bytes("RssAnon:\t many kB\n"), None);
    }
}
