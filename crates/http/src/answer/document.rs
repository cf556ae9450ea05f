//! Events and gaps as JSON, the same wherever JSON is spoken.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;
use tidings_core::{Event, Gap};

/// An event as JSON.
#[derive(Serialize)]
pub(crate) struct EventDocument<'a> {
    id: String,
    cursor: String,
    topic: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    data: Cow<'a, str>,
    /// When it was published, RFC 3339; none if that is after the year 9999.
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<u64>,
}

impl<'a> EventDocument<'a> {
    pub(crate) fn new(event: &'a Event) -> Self {
        let draft = &event.draft;
        let time = i64::try_from(event.time.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        Self {
            id: event.id_text(),
            cursor: event.cursor.to_string(),
            topic: draft.topic().as_str(),
            event_type: draft.event_type().map_or("message", |event_type| event_type.as_str()),
            data: String::from_utf8_lossy(draft.data()),
            time: time.map(|time| time.to_string()),
            retry: draft.retry_ms(),
        }
    }
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
