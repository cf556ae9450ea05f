//! What a process has used, as Linux tells it: the server's side of a benchmark.

use std::fs;
use std::time::Duration;

/// A process that is watched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Process(pub(super) u32);

impl Process {
    /// Time on the processor, of all its threads, to the nanosecond.
    pub(super) fn cpu(self) -> Option<Duration> {
        let mut total = Duration::ZERO;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0)).ok()? {
            let path = thread.ok()?.path().join("schedstat");
            // A thread may have ended in the meantime.
            let Ok(text) = fs::read_to_string(path) else { continue };
            total += Duration::from_nanos(text.split(' ').next()?.parse().ok()?);
        }
        Some(total)
    }

    /// Bytes of main memory that it holds.
    pub(super) fn memory_bytes(self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1_024)
    }
}
