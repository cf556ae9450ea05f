//! Server-sent events: the encoding of events, and the blocks of a stream that are no published event.
//!
//! An encoded event begins with a line `topic: ...`, a field that the standard tells every client to ignore. A stream of
//! several topics has that line, a stream of one topic begins behind it, so that both share the same bytes.

use std::ops::Range;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tidings_core::{Cursor, Encoding, Event, Gap, Partial};
use tidings_sse::encode::{Comment, Event as Block};
use tidings_sse::{EventId, EventType, Retry};

use crate::answer::document::{GapDocument, PartialDocument};
use crate::answer::json;

/// Events as `text/event-stream`, each with its topic before it.
pub(crate) static SSE: Encoding = Encoding { name: "sse", encode };

const LABEL: &[u8] = b"topic: ";

/// Bytes of the line that names the topic of an event.
pub(crate) fn label_len(event: &Event) -> usize {
    LABEL.len() + event.draft.topic().as_str().len() + 1
}

fn encode(event: &Event, buffer: &mut BytesMut) -> Option<Range<usize>> {
    let (draft, start) = (&event.draft, buffer.len());
    let id = draft.id().cloned().unwrap_or_else(|| id(event.cursor));
    let mut block = Block::new().id(&id).data(draft.data());
    if let Some(event_type) = draft.event_type() {
        block = block.event_type(event_type);
    }
    if let Some(ms) = draft.retry_ms() {
        block = block.retry(Retry::from_ms(ms));
    }
    buffer.reserve(label_len(event) + block.encoded_len());
    buffer.extend_from_slice(LABEL);
    buffer.extend_from_slice(draft.topic().as_str().as_bytes());
    buffer.extend_from_slice(b"\n");
    block.encode(buffer);
    // Data of one line is the last thing before the two line ends that finish the block.
    let end = buffer.len() - start - 2;
    let from = end.checked_sub(draft.data().len())?;
    let is_one_line = memchr::memchr2(b'\n', b'\r', draft.data()).is_none();
    is_one_line.then_some(from..end)
}

/// The first block: tells the heartbeat interval, the reconnection delay, and the place where the stream begins.
/// It has no data, so no listener hears it, and yet the client can resume from the moment it joined.
pub(crate) fn opening(heartbeat: Duration, retry: Duration, place: Cursor) -> Bytes {
    let mut bytes = Comment::new(&format!(" heartbeat {}", heartbeat.as_millis())).to_vec();
    Block::new().retry(delay(retry)).id(&id(place)).encode(&mut bytes);
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
    let data = json::text(&GapDocument::from(gap));
    let event_type = EventType::new("tidings.gap").expect("the name has no newline");
    // The id is the true place: a client that is cut off now resumes after the gap, and is not told of it twice.
    Block::new().event_type(&event_type).id(&id(gap.resumes_after)).data(&data).to_bytes()
}

/// Says that fewer of the newest events follow than were asked for: the search for them ended too early.
pub(crate) fn partial(partial: &Partial) -> Bytes {
    let data = json::text(&PartialDocument::from(partial));
    let event_type = EventType::new("tidings.partial").expect("the name has no newline");
    Block::new().event_type(&event_type).id(&id(partial.begins_after)).data(&data).to_bytes()
}

/// The last block: when to come back.
pub(crate) fn farewell(retry: Duration) -> Bytes {
    Block::new().retry(delay(retry)).to_bytes()
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
        let early = Partial { requested: "last 5".to_owned(), begins_after: PLACE };
        let data = r#"{"requested":"last 5","begins_after":"10-7"}"#;
        assert_eq!(partial(&early), format!("event: tidings.partial\nid: 10-7\ndata: {data}\n\n"));
        let data = r#"{"requested":"\"x\"","reason":"expired","resumes_after":"10-7"}"#;
        assert_eq!(gap(&lost), format!("event: tidings.gap\nid: 10-7\ndata: {data}\n\n"));
    }
}
