//! An event: one published, sequenced, immutable fact.

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::event::cursor::Cursor;
use crate::event::draft::Draft;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct UnixMillis(pub u64);

/// A draft with its place in the log.
///
/// Cloning shares the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The place, in the epoch in which the event was written.
    pub cursor: Cursor,
    /// When the store placed it. Never less than that of the event before.
    pub time: UnixMillis,
    /// What was published.
    pub draft: Draft,
}

impl Event {
    /// The id that subscribers see: the publisher's, else the cursor.
    pub fn id_text(&self) -> String {
        match self.draft.id() {
            Some(id) => id.as_str().to_owned(),
            None => self.cursor.to_string(),
        }
    }

    /// The same event with the same data in other memory.
    pub(crate) fn with_data(self, data: Bytes) -> Self {
        debug_assert_eq!(*self.draft.data(), data, "only the memory changes, never the text");
        Self { draft: self.draft.with_data(data), ..self }
    }
}

/// Tells the date. The only way into the core for a wall clock.
pub trait Clock: Send + Sync + 'static {
    /// The time now. May go back; stores make it monotonic.
    fn now(&self) -> UnixMillis;

    /// How long something has been running that began before the process asked for the first time. It goes forward alone, as fast as
    /// time does, and nobody can set it: with it a store tells time that has passed from a clock that was set.
    ///
    /// By default the time since the first call in the process. A clock of your own need not have another one, but for a machine that
    /// sleeps: the default does not count that time on Linux, where the boot time does.
    fn uptime(&self) -> Duration {
        FIRST_CALL.elapsed()
    }
}

static FIRST_CALL: LazyLock<Instant> = LazyLock::new(Instant::now);
