//! Events and gaps as JSON: the one form that every transport of the hub which speaks JSON uses. Clients know it from
//! docs/reference/events.md, which a test compares with these types.
//!
//! `meta` is reserved: the attributes of an event will stand there. No member of another meaning may have that name.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tidings_core::{ConnectionId, Cursor, Event, Gap, Partial, UnixMillis};

/// An event as JSON.
#[derive(Serialize)]
pub(crate) struct EventDocument<'a> {
    /// The publisher's id, else the cursor.
    id: String,
    /// The place in the log.
    cursor: String,
    topic: &'a str,
    /// As a page hears it: `message` if the publisher gave none.
    #[serde(rename = "type")]
    event_type: &'a str,
    data: Cow<'a, str>,
    /// When the hub placed it.
    time: String,
    /// The reconnection delay in milliseconds, if the publisher gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<u64>,
}

impl<'a> EventDocument<'a> {
    pub(crate) fn new(event: &'a Event) -> Self {
        let data = String::from_utf8_lossy(event.draft.data());
        Self { data, ..Self::without_data(event) }
    }

    /// The document with an empty text for the data, which is put there piece by piece.
    pub(crate) fn without_data(event: &'a Event) -> Self {
        let draft = &event.draft;
        Self {
            id: event.id_text(),
            cursor: event.cursor.to_string(),
            topic: draft.topic().as_str(),
            event_type: draft.event_type().map_or("message", |event_type| event_type.as_str()),
            data: Cow::Borrowed(""),
            time: time(event.time),
            retry: draft.retry_ms(),
        }
    }
}

/// RFC 3339 in UTC with three digits of a second, so that all times have 24 characters and sort as text.
///
/// A time that is too late for four digits of a year is the latest one that has them: a clock that is so wrong must
/// not take a member away that clients rely on.
pub(crate) fn time(time: UnixMillis) -> String {
    let ms = i64::try_from(time.0).unwrap_or(i64::MAX);
    let time = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
    format!("{time:.3}")
}

/// Milliseconds, as clients are told times of waiting.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A gap as clients read it.
#[derive(Serialize)]
pub(crate) struct GapDocument<'a> {
    requested: &'a str,
    reason: &'static str,
    resumes_after: String,
}

impl<'a> From<&'a Gap> for GapDocument<'a> {
    fn from(gap: &'a Gap) -> Self {
        let resumes_after = gap.resumes_after.to_string();
        Self { requested: &gap.requested, reason: gap.lost.as_str(), resumes_after }
    }
}

/// The place of a stream that begins, as clients read it.
#[derive(Serialize)]
pub(crate) struct OpenDocument {
    cursor: String,
    heartbeat_ms: u64,
    time: String,
    connection: String,
}

impl OpenDocument {
    pub(crate) fn new(place: Cursor, connection: ConnectionId, heartbeat: Duration, now: UnixMillis) -> Self {
        Self {
            cursor: place.to_string(),
            heartbeat_ms: milliseconds(heartbeat),
            time: time(now),
            connection: connection.to_string(),
        }
    }
}

/// A place alone, as clients read it.
#[derive(Serialize)]
pub(crate) struct CursorDocument {
    cursor: String,
}

impl CursorDocument {
    pub(crate) fn new(place: Cursor) -> Self {
        Self { cursor: place.to_string() }
    }
}

/// Why the access of a stream is over, as clients read it.
#[derive(Serialize)]
pub(crate) struct ExpiredDocument<'a> {
    pub(crate) reason: &'a str,
}

/// A search that ended too early, as clients read it.
#[derive(Serialize)]
pub(crate) struct PartialDocument<'a> {
    requested: &'a str,
    begins_after: String,
}

impl<'a> From<&'a Partial> for PartialDocument<'a> {
    fn from(partial: &'a Partial) -> Self {
        Self { requested: &partial.requested, begins_after: partial.begins_after.to_string() }
    }
}

#[cfg(test)]
mod tests;
