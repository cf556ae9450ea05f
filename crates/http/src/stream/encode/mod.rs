//! Encoders: how a stream's events, and what it says beside them, become bytes.
//!
//! | file | noun |
//! |---|---|
//! | `dialect` | what a stream of one format says beside events |
//! | `sse` | server-sent events |
//! | `envelope` | an event as JSON, for every format that has it |
//! | `lines` | JSON, one document a line (NDJSON) |
//! | `web_socket` | the same documents, each a message of a WebSocket |
//! | `socket_frame` | frames of a WebSocket by the hub |
//! | `iframe` | a document of HTML without end, for a page that frames it |
//! | `words` | what is said beside events, as documents of JSON |
//! | `opening` | what is known of a stream when it begins |
//!
//! An encoder is part of the key of a group, so it is a small value that is compared and copied. Another one is another variant of
//! [`StreamFormat`] and [`Encoder`], a file beside `sse`, and an offer in `request/accept`.

mod dialect;
pub(crate) mod envelope;
pub(crate) mod iframe;
mod lines;
mod opening;
pub(crate) mod socket_frame;
pub(crate) mod sse;
mod web_socket;
mod words;

use std::borrow::Cow;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tidings_core::presence::Notice;
use tidings_core::{Cursor, Encoding, Frame, Gap, Hub, InUse, Selectors, Transport};

use crate::answer::problem::Problem;

pub(crate) use dialect::{Dialect, Heartbeat};
pub use opening::{FirstBlock, FirstBytes, Opening, Whereabouts};

/// A format of streams, as a client asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamFormat {
    /// `text/event-stream`.
    Sse,
    /// `application/x-ndjson`.
    Lines,
    /// Messages of a WebSocket.
    WebSocket,
    /// `text/html`, for a page that frames it.
    Iframe,
}

impl StreamFormat {
    /// The encoder for a subscriber of these selectors: events of several topics say which one they are of.
    pub(crate) fn encoder(self, selectors: &Selectors, opening: Opening, told: Told) -> Encoder {
        match (self, told, selectors.single_topic()) {
            (Self::Lines, ..) => Encoder::Lines,
            (Self::WebSocket, ..) => Encoder::WebSocket,
            (Self::Iframe, ..) => Encoder::Iframe,
            (Self::Sse, Told::Envelope, _) => Encoder::SseWithEnvelope(opening),
            (Self::Sse, Told::Time, _) => Encoder::SseWithTimes(opening),
            (Self::Sse, Told::Nothing, Some(_)) => Encoder::Sse(opening),
            (Self::Sse, Told::Nothing, None) => Encoder::SseWithTopics(opening),
        }
    }
}

/// What the events of a stream tell of themselves, beside what the standard has a field for. A stream of several topics tells the
/// topic anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nothing more.
    Nothing,
    /// Topic and time, in lines of their own.
    Time,
    /// All, as JSON in the data.
    Envelope,
}

/// How one stream is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoder {
    /// `text/event-stream`, for subscribers of one topic.
    Sse(Opening),
    /// The same, with a line `topic: ...` before each event, for subscribers of several topics.
    SseWithTopics(Opening),
    /// The same, with a line `time: ...` before that, for subscribers who ask for it. The line is not part of the encoding
    /// that all share: few ask, and every frame in memory would be larger.
    SseWithTimes(Opening),
    /// `text/event-stream` whose data is the whole event as JSON.
    SseWithEnvelope(Opening),
    /// JSON, one document a line.
    Lines,
    /// JSON, one document a frame of a WebSocket: whole frames, header and all, so that whatever writes them need not know it.
    WebSocket,
    /// JSON, one document a block of a document of HTML.
    Iframe,
}

impl Encoder {
    /// The media type of the stream.
    pub(crate) fn content_type(self) -> &'static str {
        self.dialect().content_type()
    }

    /// How it is called where subscribers are listed.
    pub(crate) fn transport(self) -> Transport {
        self.dialect().transport()
    }

    /// The encoding that the feed should make for it.
    pub fn encoding(self) -> &'static Encoding {
        match self {
            Self::Sse(_) | Self::SseWithTopics(_) | Self::SseWithTimes(_) => &sse::SSE,
            Self::SseWithEnvelope(_) | Self::Lines | Self::WebSocket | Self::Iframe => &envelope::ENVELOPE,
        }
    }

    /// An event, shared with all readers if the feed has encoded it, else made for this one.
    pub(crate) fn event(self, frame: &Frame) -> Bytes {
        let bytes = frame.encoded(self.encoding()).cloned().unwrap_or_else(|| self.make(frame).freeze());
        match self {
            Self::SseWithTimes(_) | Self::SseWithEnvelope(_) | Self::WebSocket | Self::Iframe => {
                self.wrapped(frame, &bytes).into()
            }
            Self::Sse(_) | Self::SseWithTopics(_) | Self::Lines => bytes.slice(self.skipped(frame)..),
        }
    }

    /// The encoder that makes the same bytes of events, however its client is told places.
    pub(crate) fn of_events(self) -> Self {
        match self {
            Self::Sse(_) => Self::Sse(Opening::default()),
            Self::SseWithTopics(_) => Self::SseWithTopics(Opening::default()),
            Self::SseWithTimes(_) => Self::SseWithTimes(Opening::default()),
            Self::SseWithEnvelope(_) => Self::SseWithEnvelope(Opening::default()),
            Self::Lines | Self::WebSocket | Self::Iframe => self,
        }
    }

    /// The same, borrowed where it can be.
    pub(crate) fn borrow(self, frame: &Frame) -> Cow<'_, [u8]> {
        let encoded = match frame.encoded(self.encoding()) {
            Some(bytes) => Cow::Borrowed(&bytes[..]),
            None => Cow::Owned(self.make(frame).into()),
        };
        match (self, encoded) {
            (Self::SseWithTimes(_) | Self::SseWithEnvelope(_) | Self::WebSocket | Self::Iframe, encoded) => {
                Cow::Owned(self.wrapped(frame, &encoded))
            }
            (_, Cow::Borrowed(bytes)) => Cow::Borrowed(&bytes[self.skipped(frame)..]),
            (_, Cow::Owned(mut bytes)) => Cow::Owned(bytes.split_off(self.skipped(frame))),
        }
    }

    /// What of an event is compressed: of a message, what stands in its frame.
    pub(crate) fn text(self, frame: &Frame) -> Cow<'_, [u8]> {
        if self != Self::WebSocket {
            return self.borrow(frame);
        }
        match frame.encoded(self.encoding()) {
            Some(bytes) => Cow::Borrowed(bytes.trim_ascii_end()),
            None => Cow::Owned(self.make(frame).trim_ascii_end().to_vec()),
        }
    }

    /// The first bytes of a stream. Where they end without a blank line, the first block goes on in what follows.
    pub fn opening(self, first: &FirstBytes<'_>) -> Bytes {
        self.dialect().opening(first, self.form())
    }

    /// Declares events that are gone.
    pub(crate) fn gap(self, gap: &Gap) -> Bytes {
        self.dialect().gap(gap)
    }

    /// Says that the hub is there. A place that is news to the client is told with it, if the client asked for places.
    pub(crate) fn heartbeat(self, whereabouts: Whereabouts, is_opened: bool, is_news: bool) -> Heartbeat {
        self.dialect().heartbeat(whereabouts, self.form(), is_opened, is_news)
    }

    /// Bytes that say nothing, which show whether somebody still reads.
    pub(crate) fn probe(self) -> Bytes {
        self.dialect().probe()
    }

    /// Tells the place to a client that has heard nothing yet, in the form that it asked for.
    pub(crate) fn open(self, whereabouts: Whereabouts) -> Option<Bytes> {
        self.dialect().open(whereabouts, self.form())
    }

    /// Tells the place to a client whose last one is old, in the form that it asked for.
    pub(crate) fn cursor(self, place: Cursor) -> Option<Bytes> {
        self.dialect().cursor(place, self.form())
    }

    /// Whether the client asked to be told no place but by events.
    pub(crate) fn is_told_events_alone(self) -> bool {
        self.form() == Opening::Nothing
    }

    /// Tells the place also to a client that did not ask for places: without one it could not go on.
    pub(crate) fn place(self, place: Cursor) -> Bytes {
        let form = if self.form() == Opening::Nothing { Opening::Id } else { self.form() };
        self.dialect().cursor(place, form).unwrap_or_default()
    }

    /// Tells who reads a topic.
    pub(crate) fn presence(self, notice: &Notice) -> Bytes {
        self.dialect().presence(notice)
    }

    /// Says why the access of a stream is over. The farewell follows.
    pub(crate) fn expired(self, place: Cursor, reason: &str) -> Bytes {
        self.dialect().expired(place, reason)
    }

    /// The last bytes of a stream: when to come back. The client stands at `place`.
    pub(crate) fn farewell(self, place: Cursor, retry: Duration) -> Bytes {
        self.dialect().farewell(place, retry)
    }

    /// Whether the first bytes of every stream tell a place.
    pub(crate) fn opens_at_once(self) -> bool {
        match self {
            Self::Sse(_) | Self::SseWithTopics(_) | Self::SseWithTimes(_) | Self::SseWithEnvelope(_) => false,
            Self::Lines | Self::WebSocket | Self::Iframe => true,
        }
    }

    /// What is said to a client for whom there is no stream, with which it comes back by itself. None of a format whose clients
    /// read the status of an answer.
    pub(crate) fn sent_away(self, why: &Problem, retry: Duration) -> Option<Bytes> {
        match self {
            Self::Sse(_) | Self::SseWithTopics(_) | Self::SseWithTimes(_) | Self::SseWithEnvelope(_) => {
                Some(sse::farewell(retry))
            }
            Self::Iframe => Some(iframe::sent_away(why.clone(), Some(retry))),
            Self::Lines | Self::WebSocket => None,
        }
    }

    /// Has the feed make the encoding for as long as the answer lives. The front has it make that of server-sent events.
    pub(crate) fn in_use(self, hub: &Hub) -> Option<InUse> {
        let encoding = self.encoding();
        (!std::ptr::eq(encoding, &raw const sse::SSE)).then(|| hub.encode(encoding))
    }

    fn dialect(self) -> &'static dyn Dialect {
        match self {
            Self::Sse(_) | Self::SseWithTopics(_) | Self::SseWithTimes(_) | Self::SseWithEnvelope(_) => {
                &sse::Sse
            }
            Self::Lines => &lines::Lines,
            Self::WebSocket => &web_socket::WebSocket,
            Self::Iframe => &iframe::Iframe,
        }
    }

    /// How the client is told places. Documents of JSON have one form for that.
    fn form(self) -> Opening {
        match self {
            Self::Sse(form)
            | Self::SseWithTopics(form)
            | Self::SseWithTimes(form)
            | Self::SseWithEnvelope(form) => form,
            Self::Lines | Self::WebSocket | Self::Iframe => Opening::default(),
        }
    }

    fn make(self, frame: &Frame) -> BytesMut {
        let mut buffer = BytesMut::new();
        (self.encoding().encode)(frame.event(), &mut buffer);
        buffer
    }

    /// An event of which no part of the encoding is what the stream has, whole.
    fn wrapped(self, frame: &Frame, encoded: &[u8]) -> Vec<u8> {
        match self {
            Self::SseWithTimes(_) => [sse::time_line(frame.event()).as_bytes(), encoded].concat(),
            Self::SseWithEnvelope(_) => sse::enveloped(frame.event(), encoded),
            // Without its line end.
            Self::WebSocket => socket_frame::text(encoded.trim_ascii_end()),
            Self::Iframe => iframe::block(encoded),
            Self::Sse(_) | Self::SseWithTopics(_) | Self::Lines => encoded.to_vec(),
        }
    }

    /// Bytes at the beginning of the encoding that this stream does not have.
    fn skipped(self, frame: &Frame) -> usize {
        match self {
            Self::Sse(_) => sse::label_len(frame.event()),
            Self::SseWithTopics(_)
            | Self::SseWithTimes(_)
            | Self::SseWithEnvelope(_)
            | Self::Lines
            | Self::WebSocket
            | Self::Iframe => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use tidings_core::contract::fixture::{draft, draft_with};
    use tidings_core::{Cursor, Draft, DraftFields, Epoch, Event, Sequence, UnixMillis};

    use super::*;

    fn event(sequence: u64, draft: Draft) -> Event {
        Event { cursor: Cursor::new(Epoch(36), Sequence(sequence)), time: UnixMillis(0), draft }
    }

    /// The bytes that a stream has of an event, in a frame that the feed has not encoded.
    fn bytes(encoder: Encoder, event: &Event) -> Vec<u8> {
        let frame = Frame::of(event.clone());
        let bytes = encoder.borrow(&frame).into_owned();
        assert_eq!(encoder.event(&frame), bytes);
        bytes
    }

    #[test]
    fn an_event_is_exactly_these_bytes() {
        let fields = DraftFields {
            event_type: Some("ping"),
            id: Some("msg1"),
            retry_ms: Some(10_000),
            ..DraftFields::default()
        };
        let events =
            [event(1, draft_with("orders/42", "a\r\nb\rc\n", fields)), event(2, draft("orders/42", ""))];

        let expected: [&[u8]; 2] = [
            b"event: ping\nid: msg1\nretry: 10000\ndata: a\ndata: b\ndata: c\ndata: \n\n",
            b"id: 10-2\ndata: \n\n",
        ];
        assert_eq!(events.map(|event| bytes(Encoder::Sse(Opening::Event), &event)), expected);
    }

    #[test]
    fn an_event_of_a_stream_of_several_topics_begins_with_its_topic() {
        let events = [event(1, draft("orders/42", "x")), event(3, draft("a", "z"))];

        let expected: [&[u8]; 2] =
            [b"topic: orders/42\nid: 10-1\ndata: x\n\n", b"topic: a\nid: 10-3\ndata: z\n\n"];
        assert_eq!(events.map(|event| bytes(Encoder::SseWithTopics(Opening::Event), &event)), expected);
    }

    #[test]
    fn an_envelope_has_all_of_an_event_and_its_line_ends_are_escaped() {
        let fields = DraftFields {
            event_type: Some("ping"),
            id: Some("msg1"),
            retry_ms: Some(10),
            ..DraftFields::default()
        };
        let mut event = event(1, draft_with("orders/42", "a\r\n\"b\u{2028}", fields));
        event.time = UnixMillis(1_700_000_000_007);
        let envelope = "{\"id\":\"msg1\",\"cursor\":\"10-1\",\"topic\":\"orders/42\",\"type\":\"ping\",\
            \"data\":\"a\\r\\n\\\"b\u{2028}\",\"time\":\"2023-11-14T22:13:20.007Z\",\"retry\":10}";

        let lines = [Encoder::Lines, Encoder::SseWithEnvelope(Opening::Event)]
            .map(|encoder| String::from_utf8(bytes(encoder, &event)).unwrap());
        assert_eq!(lines, [format!("{envelope}\n"), format!("id: msg1\nretry: 10\ndata: {envelope}\n\n")]);
    }

    #[test]
    fn a_stream_that_is_asked_for_times_has_the_topic_and_the_time_of_each_event() {
        let mut event = event(1, draft("orders/42", "x"));
        event.time = UnixMillis(1_700_000_000_007);

        assert_eq!(
            String::from_utf8(bytes(Encoder::SseWithTimes(Opening::Event), &event)).unwrap(),
            "time: 2023-11-14T22:13:20.007Z\ntopic: orders/42\nid: 10-1\ndata: x\n\n",
        );
    }
}
