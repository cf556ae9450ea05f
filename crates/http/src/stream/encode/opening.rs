//! The opening of a stream: what its client is told before the first event.
//!
//! Its first lines belong to the block that follows them: a gap, an event, or [`FirstBlock::Place`] where nothing follows
//! at once. So no client hears a block that says nothing to it. ADR 16 has the reasons.

use std::time::Duration;

use tidings_core::{ConnectionId, Cursor, Gap, Partial, UnixMillis};

/// How a stream tells a place that no event carries: in its opening, and seldom later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Opening {
    /// By an event of the hub's own, `tidings.open` or `tidings.cursor`: every client takes its id, and a listener for
    /// `message` does not hear it.
    #[default]
    Event,
    /// By a block that has an id and no data, for clients that fail on event types that they do not know.
    Id,
    /// Not at all: the client knows the ids of events alone.
    Nothing,
}

/// The first bytes of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstBytes<'a> {
    /// Where the stream begins, and what it is called.
    pub whereabouts: Whereabouts,
    /// When to come back after a connection that broke. Spread it, so that clients do not come back together.
    pub retry: Duration,
    /// The block that its first lines belong to.
    pub block: FirstBlock<'a>,
}

/// The first block of a stream, as far as it is known when the request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstBlock<'a> {
    /// The stream begins behind the newest event, so nothing follows at once: the client is told the place.
    Place,
    /// The stream begins with a gap.
    Gap(&'a Gap),
    /// The stream begins after a search that ended too early.
    Partial(&'a Partial),
    /// What the log holds after the place comes first. If there is nothing for the client, it is told the place then.
    Later,
}

/// What `tidings.open` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whereabouts {
    /// Everything that was asked for up to here was sent.
    pub place: Cursor,
    /// The name of the stream's connection on the roster.
    pub connection: ConnectionId,
    /// How often the stream beats.
    pub heartbeat: Duration,
    /// The hub's time.
    pub time: UnixMillis,
}

impl FirstBlock<'_> {
    /// Whether the opening has its first block, so that the client need not be told its place by another.
    pub fn is_known(&self) -> bool {
        match self {
            Self::Place | Self::Gap(_) | Self::Partial(_) => true,
            Self::Later => false,
        }
    }
}
