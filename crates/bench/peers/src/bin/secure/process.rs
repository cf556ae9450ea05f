//! What the server has used, as Linux tells it.

use std::time::Duration;
use std::{fs, io};

use tokio::time::sleep;

/// Between two looks at a server that may still be tidying up after those who came.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Looks at the memory of a server that never comes to rest.
const LOOKS_MAX: usize = 20;

/// A process that is watched.
#[derive(Clone, Copy)]
pub(crate) struct Process(pub(crate) usize);

impl Process {
    /// Bytes that are its own, not of a file and not shared with another, when they are the same at two looks.
    pub(crate) async fn settled_memory_bytes(self) -> io::Result<u64> {
        let mut last = self.memory_bytes()?;
        for _ in 0..LOOKS_MAX {
            sleep(LOOK_INTERVAL).await;
            let now = self.memory_bytes()?;
            if now == std::mem::replace(&mut last, now) {
                break;
            }
        }
        Ok(last)
    }

    fn memory_bytes(self) -> io::Result<u64> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.0))?;
        let kib = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:")?.trim().strip_suffix(" kB"));
        let kib = kib.and_then(|kib| kib.parse::<u64>().ok());
        kib.map(|kib| kib * 1_024).ok_or_else(|| io::Error::other("smaps_rollup has no Anonymous"))
    }

    /// Time on the processor, of all its threads, to the nanosecond.
    pub(crate) fn cpu(self) -> io::Result<Duration> {
        let mut total = Duration::ZERO;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0))? {
            // A thread may have ended in the meantime.
            let Ok(schedstat) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            let nanos = schedstat.split(' ').next().and_then(|nanos| nanos.parse().ok());
            total += Duration::from_nanos(nanos.ok_or_else(|| io::Error::other("schedstat has no time"))?);
        }
        Ok(total)
    }
}
