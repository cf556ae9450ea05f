//! How a segment ended: what its index and its successor know of it.

use tidings_core::UnixMillis;

/// The end of a segment that is no longer written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Where its last record ends.
    pub(crate) end: u64,
    /// The time of its last event.
    pub(crate) last_time: UnixMillis,
}
