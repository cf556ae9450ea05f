//! Encoders: how a stream's events, and what it says beside them, become bytes.
//!
//! An encoder is part of the key of a group, so it is a small value that is compared and copied. Server-sent events are
//! the first. Another one is another variant of [`StreamFormat`] and [`Encoder`], a file beside `sse`, and an offer in
//! `request/accept`.

mod opening;
pub(crate) mod sse;

use std::borrow::Cow;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tidings_core::presence::Notice;
use tidings_core::{Cursor, Encoding, Frame, Gap, Selectors, Transport};

pub use opening::{FirstBlock, FirstBytes, Opening, Whereabouts};

/// A format of streams, as a client asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamFormat {
    /// `text/event-stream`.
    Sse,
}

impl StreamFormat {
    /// The encoder for a subscriber of these selectors: events of several topics say which one they are of.
    pub(crate) fn encoder(self, selectors: &Selectors, opening: Opening, times: Times) -> Encoder {
        match (self, times, selectors.single_topic()) {
            (Self::Sse, Times::Told, _) => Encoder::SseWithTimes(opening),
            (Self::Sse, Times::Untold, Some(_)) => Encoder::Sse(opening),
            (Self::Sse, Times::Untold, None) => Encoder::SseWithTopics(opening),
        }
    }
}

/// Whether the events of a stream tell when they were published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    Untold,
    Told,
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
}

impl Encoder {
    /// The media type of the stream.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Sse(_) | Self::SseWithTopics(_) | Self::SseWithTimes(_) => "text/event-stream",
        }
    }

    /// How it is called where subscribers are listed.
    pub(crate) fn transport(self) -> Transport {
        match self {
            Self::Sse(_) | Self::SseWithTopics(_) | Self::SseWithTimes(_) => Transport::Sse,
        }
    }

    /// The encoding that the feed should make for it.
    pub fn encoding(self) -> &'static Encoding {
        match self {
            Self::Sse(_) | Self::SseWithTopics(_) | Self::SseWithTimes(_) => &sse::SSE,
        }
    }

    /// An event, shared with all readers if the feed has encoded it, else made for this one.
    pub(crate) fn event(self, frame: &Frame) -> Bytes {
        let bytes = frame.encoded(self.encoding()).cloned().unwrap_or_else(|| self.make(frame).freeze());
        match self {
            Self::Sse(_) | Self::SseWithTopics(_) => bytes.slice(self.skipped(frame)..),
            Self::SseWithTimes(_) => with_time(frame, &bytes).into(),
        }
    }

    /// The same, borrowed where it can be.
    pub(crate) fn borrow(self, frame: &Frame) -> Cow<'_, [u8]> {
        match (frame.encoded(self.encoding()), self) {
            (Some(bytes), Self::SseWithTimes(_)) => Cow::Owned(with_time(frame, bytes)),
            (None, Self::SseWithTimes(_)) => Cow::Owned(with_time(frame, &self.make(frame))),
            (Some(bytes), _) => Cow::Borrowed(&bytes[self.skipped(frame)..]),
            (None, _) => Cow::Owned(self.make(frame).split_off(self.skipped(frame)).into()),
        }
    }

    /// The first bytes of a stream. Where they end without a blank line, the first block goes on in what follows.
    pub fn opening(self, first: &FirstBytes<'_>) -> Bytes {
        match self {
            Self::Sse(opening) | Self::SseWithTopics(opening) | Self::SseWithTimes(opening) => {
                sse::opening(first, opening)
            }
        }
    }

    /// Declares events that are gone.
    pub(crate) fn gap(self, gap: &Gap) -> Bytes {
        match self {
            Self::Sse(_) | Self::SseWithTopics(_) | Self::SseWithTimes(_) => sse::gap(gap),
        }
    }

    /// Says that the hub is there.
    pub(crate) fn heartbeat(self) -> Bytes {
        match self {
            Self::Sse(_) | Self::SseWithTopics(_) | Self::SseWithTimes(_) => sse::heartbeat(),
        }
    }

    /// Tells the place to a client that has heard nothing yet, in the form that it asked for.
    pub(crate) fn open(self, whereabouts: Whereabouts) -> Option<Bytes> {
        match self {
            Self::Sse(opening) | Self::SseWithTopics(opening) | Self::SseWithTimes(opening) => {
                sse::open(whereabouts, opening)
            }
        }
    }

    /// Tells the place to a client whose last one is old, in the form that it asked for.
    pub(crate) fn cursor(self, place: Cursor) -> Option<Bytes> {
        match self {
            Self::Sse(opening) | Self::SseWithTopics(opening) | Self::SseWithTimes(opening) => {
                sse::cursor(place, opening)
            }
        }
    }

    /// Tells who reads a topic.
    pub(crate) fn presence(self, notice: &Notice) -> Bytes {
        match self {
            Self::Sse(_) | Self::SseWithTopics(_) | Self::SseWithTimes(_) => notice.encoded(sse::presence),
        }
    }

    /// Says why the access of a stream is over. The farewell follows.
    pub(crate) fn expired(self, place: Cursor, reason: &str) -> Bytes {
        match self {
            Self::Sse(_) | Self::SseWithTopics(_) | Self::SseWithTimes(_) => sse::expired(place, reason),
        }
    }

    /// The last bytes of a stream: when to come back.
    pub(crate) fn farewell(self, retry: Duration) -> Bytes {
        match self {
            Self::Sse(_) | Self::SseWithTopics(_) | Self::SseWithTimes(_) => sse::farewell(retry),
        }
    }

    fn make(self, frame: &Frame) -> BytesMut {
        let mut buffer = BytesMut::new();
        (self.encoding().encode)(frame.event(), &mut buffer);
        buffer
    }

    /// Bytes at the beginning of the encoding that this stream does not have.
    fn skipped(self, frame: &Frame) -> usize {
        match self {
            Self::Sse(_) => sse::label_len(frame.event()),
            Self::SseWithTopics(_) | Self::SseWithTimes(_) => 0,
        }
    }
}

fn with_time(frame: &Frame, encoded: &[u8]) -> Vec<u8> {
    [sse::time_line(frame.event()).as_bytes(), encoded].concat()
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
    fn a_stream_that_is_asked_for_times_has_the_topic_and_the_time_of_each_event() {
        let mut event = event(1, draft("orders/42", "x"));
        event.time = UnixMillis(1_700_000_000_007);

        assert_eq!(
            String::from_utf8(bytes(Encoder::SseWithTimes(Opening::Event), &event)).unwrap(),
            "time: 2023-11-14T22:13:20.007Z\ntopic: orders/42\nid: 10-1\ndata: x\n\n",
        );
    }
}
