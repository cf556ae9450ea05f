//! What the hub takes from the machine: the date, randomness, and as many open files as it may have.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tidings_core::{Clock, Epoch, UnixMillis};

/// The machine's clock.
pub(crate) struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> UnixMillis {
        // A clock before 1970 is as wrong as one at 1970.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// Bits of an epoch: short as text, and still never the same twice.
const EPOCH_BITS: u32 = 40;

/// An epoch that no log had before.
pub(crate) fn random_epoch() -> Result<Epoch, getrandom::Error> {
    Ok(Epoch((getrandom::u64()? >> (u64::BITS - EPOCH_BITS)).max(1)))
}

/// Raises the limit of open files to what the system allows, and returns it. The usual soft limit of 1,024 is there
/// for programs that use select(2), which this one does not.
pub(crate) fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum.unwrap_or(u64::MAX),
        Err(_) => limit.current.unwrap_or(u64::MAX),
    }
}
