//! Server-sent events: the encoding of events, and the blocks of a stream that are no published event.
//!
//! An encoded event begins with a line `topic: ...`, a field that the standard tells every client to ignore. A stream of
//! several topics has that line, a stream of one topic begins behind it, so that both share the same bytes.

use std::ops::Range;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tidings_core::presence::Notice;
use tidings_core::{Cursor, Encoding, Event, Gap, Partial, Transport};
use tidings_sse::encode::{Comment, Event as Block};
use tidings_sse::{EventId, EventType, Retry};

use super::{Dialect, FirstBlock, FirstBytes, Heartbeat, Opening, Whereabouts};
use crate::answer::document::{
    CursorDocument, ExpiredDocument, GapDocument, OpenDocument, PartialDocument, time,
};
use crate::answer::json;
use crate::presence::document;

/// Events as `text/event-stream`, each with its topic before it.
pub(crate) static SSE: Encoding = Encoding { name: "sse", encode };

const LABEL: &[u8] = b"topic: ";

/// Bytes of the line that names the topic of an event.
pub(crate) fn label_len(event: &Event) -> usize {
    LABEL.len() + event.draft.topic().as_str().len() + 1
}

/// The line that tells when an event was published. It stands before all others of the event.
pub(crate) fn time_line(event: &Event) -> String {
    format!("time: {}\n", time(event.time))
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

/// `text/event-stream`.
pub(super) struct Sse;

impl Dialect for Sse {
    fn content_type(&self) -> &'static str {
        "text/event-stream"
    }

    fn transport(&self) -> Transport {
        Transport::Sse
    }

    /// The heartbeat interval and the reconnection delay, and the first block if it is known. Otherwise these lines belong to
    /// the block that follows.
    fn opening(&self, first: &FirstBytes<'_>, form: Opening) -> Bytes {
        let every = first.whereabouts.heartbeat.as_millis();
        let comment = Comment::new(&format!(" heartbeat {every}")).to_vec();
        let block = match first.block {
            FirstBlock::Place => self.open(first.whereabouts, form).unwrap_or_default(),
            FirstBlock::Gap(gap) => self.gap(gap),
            FirstBlock::Partial(search) => partial(search),
            FirstBlock::Later => Bytes::new(),
        };
        [&comment[..], &retry_line(first.retry), &block].concat().into()
    }

    fn open(&self, whereabouts: Whereabouts, form: Opening) -> Option<Bytes> {
        let Whereabouts { place, connection, heartbeat, time } = whereabouts;
        match form {
            Opening::Event => {
                let data = json::text(&OpenDocument::new(place, connection, heartbeat, time));
                Some(own_event("tidings.open", place, &data))
            }
            Opening::Id => Some(id_alone(place)),
            Opening::Nothing => None,
        }
    }

    fn cursor(&self, place: Cursor, form: Opening) -> Option<Bytes> {
        match form {
            // Not without data: eventsource-parser, and with it npm's `eventsource`, takes no id from such a block.
            Opening::Event => {
                Some(own_event("tidings.cursor", place, &json::text(&CursorDocument::new(place))))
            }
            Opening::Id => Some(id_alone(place)),
            Opening::Nothing => None,
        }
    }

    /// A comment, unless the place is news.
    fn heartbeat(
        &self,
        whereabouts: Whereabouts,
        form: Opening,
        is_opened: bool,
        is_news: bool,
    ) -> Heartbeat {
        let told = match is_opened {
            _ if !is_news => None,
            true => self.cursor(whereabouts.place, form),
            false => self.open(whereabouts, form),
        };
        let tells = told.is_some();
        Heartbeat { bytes: told.unwrap_or_else(|| self.probe()), tells }
    }

    /// A comment. It has no blank line, which would be the end of a block.
    fn probe(&self) -> Bytes {
        Bytes::from_static(b":\n")
    }

    fn gap(&self, gap: &Gap) -> Bytes {
        // The id is the true place: a client that is cut off now resumes after the gap, and is not told of it twice.
        own_event("tidings.gap", gap.resumes_after, &json::text(&GapDocument::from(gap)))
    }

    /// It has no id, since it is not in the log: a client keeps that of the last event.
    fn presence(&self, notice: &Notice) -> Bytes {
        notice.encoded(|notice| {
            let event_type = EventType::new("tidings.presence").expect("the name has no newline");
            Block::new().event_type(&event_type).data(&document::text(notice)).to_bytes()
        })
    }

    /// What the client comes back with goes on from the place.
    fn expired(&self, place: Cursor, reason: &str) -> Bytes {
        own_event("tidings.expired", place, &json::text(&ExpiredDocument { reason }))
    }

    fn farewell(&self, _: Cursor, retry: Duration) -> Bytes {
        farewell(retry)
    }
}

/// When to come back. It takes effect without a blank line, which some clients would take for an event.
pub(crate) fn farewell(retry: Duration) -> Bytes {
    retry_line(retry).into()
}

/// An event whose data is its envelope.
pub(super) fn enveloped(event: &Event, envelope: &[u8]) -> Vec<u8> {
    let retry = event.draft.retry_ms().map(|ms| format!("retry: {ms}\n")).unwrap_or_default();
    // The envelope ends with a line end, and has no other.
    let head = format!("id: {}\n{retry}data: ", event.id_text());
    [head.as_bytes(), envelope, b"\n"].concat()
}

/// Says that fewer of the newest events follow than were asked for: the search for them ended too early.
fn partial(partial: &Partial) -> Bytes {
    own_event("tidings.partial", partial.begins_after, &json::text(&PartialDocument::from(partial)))
}

/// An event of the hub's own: clients that do not listen for its type do not hear it, and take its id.
fn own_event(event_type: &str, place: Cursor, data: &str) -> Bytes {
    let event_type = EventType::new(event_type).expect("the name has no newline");
    Block::new().event_type(&event_type).id(&id(place)).data(data).to_bytes()
}

fn id_alone(place: Cursor) -> Bytes {
    Block::new().id(&id(place)).to_bytes()
}

fn retry_line(delay: Duration) -> Vec<u8> {
    format!("retry: {}\n", delay.as_millis()).into_bytes()
}

fn id(place: Cursor) -> EventId {
    EventId::new(place.to_string()).expect("a cursor's text is letters, digits and a hyphen")
}

#[cfg(test)]
mod tests {
    use tidings_core::{ConnectionId, Epoch, Lost, Sequence, UnixMillis};

    use super::*;

    const PLACE: Cursor = Cursor { epoch: Epoch(36), sequence: Sequence(7) };
    const WHEREABOUTS: Whereabouts = Whereabouts {
        place: PLACE,
        connection: ConnectionId::new(46_655),
        heartbeat: Duration::from_secs(15),
        time: UnixMillis(1_700_000_000_000),
    };
    const GAP_BLOCK: &str = "event: tidings.gap\nid: 10-7\n\
        data: {\"requested\":\"\\\"x\\\"\",\"reason\":\"expired\",\"resumes_after\":\"10-7\"}\n\n";
    const PARTIAL_BLOCK: &str =
        "event: tidings.partial\nid: 10-7\ndata: {\"requested\":\"last 5\",\"begins_after\":\"10-7\"}\n\n";
    const OPEN_BLOCK: &str = "event: tidings.open\nid: 10-7\n\
        data: {\"cursor\":\"10-7\",\"heartbeat_ms\":15000,\"time\":\"2023-11-14T22:13:20.000Z\",\"connection\":\"zzz\"}\n\n";
    const CURSOR_BLOCK: &str = "event: tidings.cursor\nid: 10-7\ndata: {\"cursor\":\"10-7\"}\n\n";

    fn lost() -> Gap {
        Gap { requested: "\"x\"".to_owned(), lost: Lost::Expired, resumes_after: PLACE }
    }

    fn early() -> Partial {
        Partial { requested: "last 5".to_owned(), begins_after: PLACE }
    }

    fn opened(block: FirstBlock<'_>, form: Opening) -> String {
        let first = FirstBytes { whereabouts: WHEREABOUTS, retry: Duration::from_millis(3_456), block };
        String::from_utf8(Sse.opening(&first, form).to_vec()).unwrap()
    }

    #[test]
    fn blocks_are_exactly_these_bytes() {
        assert_eq!(Sse.gap(&lost()), GAP_BLOCK);
        assert_eq!(partial(&early()), PARTIAL_BLOCK);
        assert_eq!(
            Sse.expired(PLACE, "it is over"),
            "event: tidings.expired\nid: 10-7\ndata: {\"reason\":\"it is over\"}\n\n"
        );
        assert_eq!(Sse.probe(), ":\n");
        assert_eq!(farewell(Duration::from_millis(1_234)), "retry: 1234\n");
    }

    #[test]
    fn the_first_lines_belong_to_the_block_that_follows() {
        const LINES: &str = ": heartbeat 15000\nretry: 3456\n";

        for form in [Opening::Event, Opening::Id, Opening::Nothing] {
            assert_eq!(opened(FirstBlock::Later, form), LINES);
            assert_eq!(opened(FirstBlock::Gap(&lost()), form), format!("{LINES}{GAP_BLOCK}"));
            assert_eq!(opened(FirstBlock::Partial(&early()), form), format!("{LINES}{PARTIAL_BLOCK}"));
        }
        let at_a_place = |form| opened(FirstBlock::Place, form);
        assert_eq!(at_a_place(Opening::Event), format!("{LINES}{OPEN_BLOCK}"));
        assert_eq!(at_a_place(Opening::Id), format!("{LINES}id: 10-7\n\n"));
        assert_eq!(at_a_place(Opening::Nothing), LINES);
    }

    #[test]
    fn a_place_is_told_in_the_form_that_was_asked_for() {
        let blocks = |form| [Sse.open(WHEREABOUTS, form), Sse.cursor(PLACE, form)];

        assert_eq!(blocks(Opening::Event), [Some(OPEN_BLOCK.into()), Some(CURSOR_BLOCK.into())]);
        assert_eq!(blocks(Opening::Id), [Some("id: 10-7\n\n".into()), Some("id: 10-7\n\n".into())]);
        assert_eq!(blocks(Opening::Nothing), [None, None]);
    }
}
