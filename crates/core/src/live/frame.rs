//! A frame: an event as it goes over the wire, encoded once and shared by all who receive it.
//!
//! A frame has two forms, one inside the other. The plain one is what a subscriber of a single topic gets. A
//! subscriber of several topics gets the labelled one, which begins with a line `topic: …`: a field that the
//! standard tells every client to ignore, and that those who know it can read.

use bytes::{Bytes, BytesMut};
use tidings_sse::encode::Event as Block;
use tidings_sse::{EventId, Retry};

use crate::event::Event;
use crate::event::cursor::{Cursor, Epoch, Sequence};

const LABEL: &[u8] = b"topic: ";

/// An encoded event. Cloning shares the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The event's place.
    pub sequence: Sequence,
    labelled: Bytes,
    label_bytes: u32,
}

/// Which of its forms a subscriber gets of every frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// The event alone.
    Plain,
    /// The event after a line that names its topic.
    Labelled,
}

impl Frame {
    /// Encodes an event of the given life of the log.
    pub fn encode(event: &Event, epoch: Epoch) -> Self {
        let draft = &event.draft;
        let id = draft.id().cloned().unwrap_or_else(|| cursor_id(Cursor { epoch, sequence: event.sequence }));
        let mut block = Block::new().id(&id).data(draft.data());
        if let Some(event_type) = draft.event_type() {
            block = block.event_type(event_type);
        }
        if let Some(ms) = draft.retry_ms() {
            block = block.retry(Retry::from_ms(ms));
        }
        let topic = draft.topic().as_str();
        let label_bytes = LABEL.len() + topic.len() + 1;
        let mut labelled = BytesMut::with_capacity(label_bytes + block.encoded_len());
        labelled.extend_from_slice(LABEL);
        labelled.extend_from_slice(topic.as_bytes());
        labelled.extend_from_slice(b"\n");
        block.encode(&mut labelled);
        Self { sequence: event.sequence, labelled: labelled.freeze(), label_bytes: label_bytes as u32 }
    }

    /// The bytes of one form.
    pub fn bytes(&self, form: Form) -> Bytes {
        match form {
            Form::Plain => self.labelled.slice(self.label_bytes as usize..),
            Form::Labelled => self.labelled.clone(),
        }
    }

    /// The bytes of one form, borrowed.
    pub fn slice(&self, form: Form) -> &[u8] {
        match form {
            Form::Plain => &self.labelled[self.label_bytes as usize..],
            Form::Labelled => &self.labelled,
        }
    }

    /// Bytes that the frame occupies, both forms together.
    pub fn len(&self) -> usize {
        self.labelled.len()
    }

    /// Never: a frame has at least an id.
    pub fn is_empty(&self) -> bool {
        self.labelled.is_empty()
    }
}

/// The id of an event whose publisher gave none.
fn cursor_id(cursor: Cursor) -> EventId {
    EventId::new(cursor.to_string()).expect("a cursor's text is letters, digits and a hyphen")
}
