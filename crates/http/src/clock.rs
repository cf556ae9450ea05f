//! What a hub takes from the machine that it runs on: the date, and randomness. The core knows neither, and is handed
//! them by the program.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use tidings_core::{Clock, Epoch, UnixMillis};

/// Bits of an epoch: short as text, and still never the same twice.
const EPOCH_BITS: u32 = 40;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        // A clock before 1970 is as wrong as one at 1970.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// An epoch that no log had before, for a [`MemoryStore`](tidings_core::MemoryStore). Stores on a disk choose their
/// own.
///
/// # Errors
///
/// When the system gives no randomness.
pub fn random_epoch() -> io::Result<Epoch> {
    Ok(Epoch((getrandom::u64()? >> (u64::BITS - EPOCH_BITS)).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_differ_and_are_short_as_text() {
        let (one, other) = (random_epoch().unwrap(), random_epoch().unwrap());

        assert_ne!(one, other);
        assert!(one.to_string().len() <= 8, "{one}");
    }
}
