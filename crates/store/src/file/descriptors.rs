//! A lack of file descriptors: what the program's log says of it, and how often.

use std::time::Instant;

use super::fault::Fault;
use crate::limits::WITHOUT_DESCRIPTOR_WARN_INTERVAL;

/// Whether the writer could not open a file for want of a descriptor, and when that was said.
#[derive(Debug, Default)]
pub(crate) struct LackOfDescriptors {
    told_at: Option<Instant>,
}

impl LackOfDescriptors {
    /// Says so, unless it has been said a moment ago.
    pub(crate) fn tell(&mut self, fault: &Fault, now: Instant) {
        if self.is_to_be_told(now) {
            tracing::warn!(
                %fault,
                "the process has no file descriptor left for its log: publishes are refused until one is free; raise the limit of open \
                 files (ulimit -n, LimitNOFILE)"
            );
        }
    }

    /// Says that it is over, if it was.
    pub(crate) fn over(&mut self) {
        if self.told_at.take().is_some() {
            tracing::info!("there is a file descriptor for the log again, and publishes are taken");
        }
    }

    fn is_to_be_told(&mut self, now: Instant) -> bool {
        let is_due = self
            .told_at
            .is_none_or(|told_at| now.saturating_duration_since(told_at) >= WITHOUT_DESCRIPTOR_WARN_INTERVAL);
        if is_due {
            self.told_at = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_is_told_once_in_a_while() {
        let (mut lack, begin) = (LackOfDescriptors::default(), Instant::now());

        let told = [0, 1, 2].map(|intervals| {
            let now = begin + WITHOUT_DESCRIPTOR_WARN_INTERVAL / 2 * intervals;
            lack.is_to_be_told(now)
        });

        assert_eq!(told, [true, false, true]);
    }
}
