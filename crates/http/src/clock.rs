//! The date, from the clock of the machine. The core knows none, and is handed it by the program.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(target_os = "linux")]
use rustix::time::{ClockId, clock_gettime};
use tidings_core::{Clock, UnixMillis};

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that others are to ask")]
    fn now(&self) -> UnixMillis {
        // A clock before 1970 is as wrong as one at 1970.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// The time since the machine was started, with that in which it slept.
    #[cfg(target_os = "linux")]
    fn uptime(&self) -> Duration {
        let time = clock_gettime(ClockId::Boottime);
        // The kernel counts from 0 up.
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
    }
}
