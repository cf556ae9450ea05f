//! What is said when no connection can be accepted: once in a while, however often it is tried.

use std::io;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::limits::ACCEPT_WARN_INTERVAL;

/// Error numbers of POSIX that are the same on every system that the hub runs on: the system, or the process, has no descriptor left.
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;

/// When that was said last. All listeners share one.
#[derive(Default)]
pub(super) struct AcceptTrouble {
    told_at: Mutex<Option<Instant>>,
}

impl AcceptTrouble {
    /// Says that connections cannot be accepted, unless that has been said a moment ago.
    pub(super) fn tell(&self, error: &io::Error) {
        if self.is_to_be_told(Instant::now()) {
            tracing::warn!(%error, "cannot accept connections at the moment{}", hint(error));
        }
    }

    fn is_to_be_told(&self, now: Instant) -> bool {
        let mut told_at = self.told_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due =
            told_at.is_none_or(|told_at| now.saturating_duration_since(told_at) >= ACCEPT_WARN_INTERVAL);
        if is_due {
            *told_at = Some(now);
        }
        is_due
    }
}

/// What to do about it.
fn hint(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(EMFILE) => {
            ": the hub has as many files open as it may; raise the limit of open files (ulimit -n, LimitNOFILE)"
        }
        Some(ENFILE) => ": the machine has as many files open as it may; raise fs.file-max",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_that_lasts_is_told_once_in_a_while() {
        let (trouble, begin) = (AcceptTrouble::default(), Instant::now());

        let told: Vec<_> = (0..25)
            .filter(|tenth| trouble.is_to_be_told(begin + ACCEPT_WARN_INTERVAL / 10 * *tenth))
            .collect();

        assert_eq!(told, [0, 10, 20]);
    }

    #[test]
    fn a_lack_of_descriptors_is_told_with_what_mends_it() {
        let lack = [io::Error::from_raw_os_error(EMFILE), io::Error::from_raw_os_error(ENFILE)];

        assert_eq!(lack.each_ref().map(|error| hint(error).is_empty()), [false, false]);
        assert_eq!(lack.map(|error| error.to_string().contains("open files")), [true, true]);
        assert_eq!(hint(&io::ErrorKind::OutOfMemory.into()), "");
    }
}
