//! A dialect: what a stream of one format says beside events.

use std::time::Duration;

use bytes::Bytes;
use tidings_core::presence::Notice;
use tidings_core::{Cursor, Gap, Transport};

use super::{FirstBytes, Opening, Whereabouts};

/// The words of one format. `form` is how the client wants to be told of places; formats that have one way leave it out.
pub(crate) trait Dialect: Sync {
    /// The media type of the stream.
    fn content_type(&self) -> &'static str;

    /// How it is called where subscribers are listed.
    fn transport(&self) -> Transport;

    /// The first bytes of a stream.
    fn opening(&self, first: &FirstBytes<'_>, form: Opening) -> Bytes;

    /// Tells the place to a client that has heard nothing yet. None if it did not ask for that.
    fn open(&self, whereabouts: Whereabouts, form: Opening) -> Option<Bytes>;

    /// Tells the place to a client whose last one is old. None if it did not ask for that.
    fn cursor(&self, place: Cursor, form: Opening) -> Option<Bytes>;

    /// Says that the hub is there.
    fn heartbeat(&self, whereabouts: Whereabouts, form: Opening, is_opened: bool, is_news: bool)
    -> Heartbeat;

    /// Bytes that say nothing. They may stand between two blocks, and nowhere else.
    fn probe(&self) -> Bytes;

    /// Declares events that are gone.
    fn gap(&self, gap: &Gap) -> Bytes;

    /// Tells who reads a topic.
    fn presence(&self, notice: &Notice) -> Bytes;

    /// Says that the access of the stream is over, and where the client stands.
    fn expired(&self, place: Cursor, reason: &str) -> Bytes;

    /// The last bytes: when to come back. The client stands at `place`.
    fn farewell(&self, place: Cursor, retry: Duration) -> Bytes;
}

/// A heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heartbeat {
    /// What is written.
    pub(crate) bytes: Bytes,
    /// It tells the client its place.
    pub(crate) tells: bool,
}
