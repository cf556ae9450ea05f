//! The date, from the clock of the machine. The core knows none, and is handed it by the program.

use std::time::{SystemTime, UNIX_EPOCH};

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
}
