//! A frame: an event as the window holds it, with what the feed encoded of it. Shared by all who receive it.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

use crate::event::{Event, Sequence, Topic};
use crate::limits::{FRAME_CHUNK_BYTES, FRAME_OVERHEAD_BYTES, FRAME_TEXT_OVERHEAD_BYTES};
use crate::live::encoding::Encoding;
use crate::roster::ConnectionId;

/// An event and its encodings. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Frame(Arc<FrameParts>);

#[derive(Debug)]
struct FrameParts {
    event: Event,
    encoded: SmallVec<[(&'static Encoding, Bytes); 1]>,
    bytes: usize,
}

impl Frame {
    /// Frames of their own memory, with these encodings. Data that an encoding contains is a slice of it; other data is
    /// copied, so that a frame does not keep the buffer alive in which its event arrived with many others.
    pub(crate) fn encode_all(events: &[Event], encodings: &[&'static Encoding]) -> Vec<Self> {
        let mut frames = Vec::with_capacity(events.len());
        let mut chunk = Chunk::default();
        let about = |event: &Event| event.draft.bytes() + FRAME_TEXT_OVERHEAD_BYTES;
        let mut left: usize = events.iter().map(about).sum();
        for event in events {
            if !chunk.pending.is_empty() && chunk.buffer.len() + about(event) > FRAME_CHUNK_BYTES {
                chunk.flush(&mut frames);
            }
            // Never more than is wanted, or a window of small events would hold many times what it counts.
            if chunk.pending.is_empty() && left > about(event) {
                chunk.buffer.reserve(left.min(FRAME_CHUNK_BYTES));
            }
            left -= about(event);
            chunk.add(event, encodings);
        }
        chunk.flush(&mut frames);
        frames
    }

    /// A frame of an event that was read from the store, for one reader.
    pub fn of(event: Event) -> Self {
        let bytes = event.draft.bytes();
        Self(Arc::new(FrameParts { event, encoded: SmallVec::new(), bytes }))
    }

    /// Takes the text of an equal topic for its own. Does nothing once the frame is shared.
    pub(crate) fn share_topic(&mut self, topic: &Topic) {
        if let Some(parts) = Arc::get_mut(&mut self.0) {
            parts.event.draft.share_topic(topic);
        }
    }

    /// The event.
    pub fn event(&self) -> &Event {
        &self.0.event
    }

    /// The event, taken out of the frame if nobody shares it.
    pub fn into_event(self) -> Event {
        Arc::try_unwrap(self.0).map_or_else(|shared| shared.event.clone(), |own| own.event)
    }

    /// The event's sequence.
    pub fn sequence(&self) -> Sequence {
        self.0.event.cursor.sequence
    }

    /// Whether the event is no [echo](crate::Draft::excepting) that this connection is to be spared.
    pub fn is_for(&self, connection: ConnectionId) -> bool {
        self.0.event.draft.excepted() != Some(connection)
    }

    /// The event in an encoding, if the feed made it. Otherwise the reader makes it.
    pub fn encoded(&self, encoding: &'static Encoding) -> Option<&Bytes> {
        self.0.encoded.iter().find(|(known, _)| known.is(encoding)).map(|(_, bytes)| bytes)
    }

    /// Bytes of the event's text and of its encodings, each counted once.
    pub fn bytes(&self) -> usize {
        self.0.bytes
    }

    /// What the window counts for it.
    pub(crate) fn bytes_held(&self) -> usize {
        self.0.bytes + FRAME_OVERHEAD_BYTES
    }
}

/// Frames in the making that share one piece of memory: an allocation for each of many small events costs more than the
/// encoding. A reader that holds one of them keeps the others, at most [`FRAME_CHUNK_BYTES`] of them.
#[derive(Default)]
struct Chunk<'a> {
    buffer: BytesMut,
    pending: Vec<Pending<'a>>,
}

struct Pending<'a> {
    event: &'a Event,
    encoded: SmallVec<[(&'static Encoding, Range<usize>); 1]>,
    data: Range<usize>,
    /// Bytes of the event's text that no encoding contains.
    own: usize,
}

impl<'a> Chunk<'a> {
    fn add(&mut self, event: &'a Event, encodings: &[&'static Encoding]) {
        let mut data = None;
        let mut encoded = SmallVec::new();
        for encoding in encodings {
            let start = self.buffer.len();
            let range = (encoding.encode)(event, &mut self.buffer);
            data = data.or(range.map(|range| start + range.start..start + range.end));
            encoded.push((*encoding, start..self.buffer.len()));
        }
        let own = if data.is_some() { 0 } else { event.draft.bytes() };
        let data = data.unwrap_or_else(|| {
            let start = self.buffer.len();
            self.buffer.extend_from_slice(event.draft.data());
            start..self.buffer.len()
        });
        self.pending.push(Pending { event, encoded, data, own });
    }

    fn flush(&mut self, frames: &mut Vec<Frame>) {
        let bytes = std::mem::take(&mut self.buffer).freeze();
        frames.extend(self.pending.drain(..).map(|Pending { event, encoded, data, own }| {
            let encoded_bytes: usize = encoded.iter().map(|(_, range)| range.len()).sum();
            let event = event.clone().with_data(bytes.slice(data));
            let encoded =
                encoded.into_iter().map(|(encoding, range)| (encoding, bytes.slice(range))).collect();
            Frame(Arc::new(FrameParts { event, encoded, bytes: own + encoded_bytes }))
        }));
    }
}
