//! What comes out of an event source.

use std::time::Duration;

use http::HeaderMap;
use tidings_sse::decode::OwnedEvent;

use crate::beginning::Beginning;
use crate::error::Error;
use crate::expired::Expired;
use crate::gap::Gap;
use crate::partial::Partial;

/// A dispatched event: its type, data and the last event id; and its topic and time, where the hub tells them.
pub type Event = OwnedEvent;

/// One thing that happened.
///
/// `open` and the events are those of the standard; [`Reconnecting`](Self::Reconnecting) is its `error` event while
/// `readyState` is `CONNECTING`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Item {
    /// Connected: the answer is a stream. It proves that the head arrived, not that bytes will.
    Open(Open),
    /// The hub says where the stream begins, and names the connection. Managed mode only.
    Beginning(Beginning),
    /// An event.
    Event(Event),
    /// The hub could not go on where it was asked to. Managed mode only.
    Gap(Gap),
    /// Fewer of the newest events follow than were asked for. Managed mode only.
    Partial(Partial),
    /// The access that the stream was asked for with is over, and the hub ends the stream. Managed mode only.
    Expired(Expired),
    /// A comment, as it stands after the colon. For those who [asked](crate::EventSourceBuilder::comments).
    Comment(String),
    /// The connection is over, or could not be made, and another will be.
    Reconnecting(Reconnecting),
}

/// A connection that was made.
#[derive(Debug)]
#[non_exhaustive]
pub struct Open {
    /// Where the stream comes from, redirects followed. Its origin is that of the events.
    pub url: String,
    /// The head of the answer.
    pub headers: HeaderMap,
}

/// A connection that is over.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reconnecting {
    /// Why.
    pub error: Error,
    /// How long until the next attempt.
    pub after: Duration,
}
