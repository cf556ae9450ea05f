//! A frame: an event as the window holds it, with what the feed encoded of it. Shared by all who receive it.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

use crate::event::{Event, Sequence, Topic};
use crate::limits::FRAME_OVERHEAD_BYTES;
use crate::live::encoding::Encoding;

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
    /// A frame of its own memory, with these encodings. Data that an encoding contains is a slice of it; other data is
    /// copied, so that the frame does not keep the buffer alive in which the event arrived with many others.
    pub(crate) fn encode(event: &Event, encodings: &[&'static Encoding]) -> Self {
        let mut data = None;
        let encode = |encoding: &&'static Encoding| {
            let mut buffer = BytesMut::new();
            let range = (encoding.encode)(event, &mut buffer);
            let bytes = buffer.freeze();
            if let (None, Some(range)) = (&data, range) {
                data = Some(bytes.slice(range));
            }
            (*encoding, bytes)
        };
        let encoded: SmallVec<[_; 1]> = encodings.iter().map(encode).collect();
        let encoded_bytes: usize = encoded.iter().map(|(_, bytes): &(_, Bytes)| bytes.len()).sum();
        let own = if data.is_some() { 0 } else { event.draft.bytes() };
        let data = data.unwrap_or_else(|| Bytes::copy_from_slice(event.draft.data()));
        Self(Arc::new(FrameParts {
            event: event.clone().with_data(data),
            encoded,
            bytes: own + encoded_bytes,
        }))
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
