//! Blocks of a stream that are no published event: the opening, heartbeats, gaps, the farewell.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tidings_core::{Cursor, Gap};
use tidings_sse::encode::{Comment, Event};
use tidings_sse::{EventId, EventType, Retry};

use crate::answer::json;

/// The first block: tells the heartbeat interval, the reconnection delay, and the place where the stream begins.
/// It has no data, so no listener hears it, and yet the client can resume from the moment it joined.
pub(crate) fn opening(heartbeat: Duration, retry: Duration, place: Cursor) -> Bytes {
    let mut bytes = Comment::new(&format!(" heartbeat {}", heartbeat.as_millis())).to_vec();
    Event::new().retry(delay(retry)).id(&id(place)).encode(&mut bytes);
    bytes.into()
}

/// A comment; with a place if it is news to the client.
pub(crate) fn heartbeat(place: Option<Cursor>) -> Bytes {
    match place {
        None => Bytes::from_static(b":\n\n"),
        Some(place) => Bytes::from(format!(":\nid: {place}\n\n")),
    }
}

/// Declares events that are gone.
pub(crate) fn gap(gap: &Gap) -> Bytes {
    let data = json::text(&GapData::from(gap));
    let event_type = EventType::new("tidings.gap").expect("the name has no newline");
    // The id is the true place: whoever is cut off now resumes after the gap, and is not told of it twice.
    Event::new().event_type(&event_type).id(&id(gap.resumes_after)).data(&data).to_bytes()
}

/// A gap as clients read it.
#[derive(Serialize)]
pub(crate) struct GapData<'a> {
    requested: &'a str,
    reason: &'static str,
    resumes_after: String,
}

impl<'a> From<&'a Gap> for GapData<'a> {
    fn from(gap: &'a Gap) -> Self {
        let resumes_after = gap.resumes_after.to_string();
        Self { requested: &gap.requested, reason: gap.lost.as_str(), resumes_after }
    }
}

/// The last block: when to come back.
pub(crate) fn farewell(retry: Duration) -> Bytes {
    Event::new().retry(delay(retry)).to_bytes()
}

fn id(place: Cursor) -> EventId {
    EventId::new(place.to_string()).expect("a cursor's text is letters, digits and a hyphen")
}

fn delay(delay: Duration) -> Retry {
    Retry::from_ms(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use tidings_core::{Epoch, Lost, Sequence};

    use super::*;

    const PLACE: Cursor = Cursor { epoch: Epoch(36), sequence: Sequence(7) };

    #[test]
    fn blocks_are_exactly_these_bytes() {
        let lost = Gap { requested: "\"x\"".to_owned(), lost: Lost::Expired, resumes_after: PLACE };

        assert_eq!(
            opening(Duration::from_secs(15), Duration::from_secs(3), PLACE),
            ": heartbeat 15000\nid: 10-7\nretry: 3000\n\n"
        );
        assert_eq!(heartbeat(None), ":\n\n");
        assert_eq!(heartbeat(Some(PLACE)), ":\nid: 10-7\n\n");
        assert_eq!(farewell(Duration::from_millis(1_234)), "retry: 1234\n\n");
        let data = r#"{"requested":"\"x\"","reason":"expired","resumes_after":"10-7"}"#;
        assert_eq!(gap(&lost), format!("event: tidings.gap\nid: 10-7\ndata: {data}\n\n"));
    }
}
