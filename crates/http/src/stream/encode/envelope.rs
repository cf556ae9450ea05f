//! The envelope: an event as JSON, which is the same for every format that has it.

use std::ops::Range;

use bytes::{BufMut, BytesMut};
use tidings_core::{Encoding, Event};

use crate::answer::document::EventDocument;

/// Events as JSON, each with a line end behind it. The text of JSON has none.
pub(crate) static ENVELOPE: Encoding = Encoding { name: "envelope", encode };

fn encode(event: &Event, buffer: &mut BytesMut) -> Option<Range<usize>> {
    serde_json::to_writer(buffer.writer(), &EventDocument::new(event))
        .expect("the document has no map, and memory takes what is written");
    buffer.put_u8(b'\n');
    // Data is escaped in it, so that it stands there byte for byte only by chance.
    None
}
