//! Which file system a directory is on, and whether a lock there keeps every other process out.
//!
//! Linux answers `flock` for a directory of a network file system from the memory of this machine: another machine takes the
//! same lock at the same time. The system gives no error that would tell, so these file systems are known by name. The name
//! is in `/proc/self/mountinfo`, whose format is in proc_pid_mountinfo(5). Without it, the number that `statfs` gives tells
//! the best known ones. A file system that is not in the list is allowed.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod mounts;

use std::borrow::Cow;

#[cfg(target_os = "linux")]
pub(super) use linux::proc_text;

/// A file system, as far as a lock is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileSystem {
    /// What the system calls its type.
    pub(super) kind: Cow<'static, str>,
    /// Why a lock on a directory there does not keep every other process out, if it does not.
    pub(super) refusal: Option<&'static str>,
}

impl FileSystem {
    /// The system does not say.
    pub(super) const UNKNOWN: Self = Self { kind: Cow::Borrowed("unknown"), refusal: None };

    /// The one that a directory is on. Systems other than Linux are not asked: there the lock alone decides.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn of(_dir: &std::fs::File, _path: &std::path::Path) -> Self {
        Self::UNKNOWN
    }
}
