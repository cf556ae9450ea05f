//! An event on its way to the wire.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use super::buffer::Buffer;
use super::digits::Digits;
use super::lines::Lines;
use crate::{EventId, EventType, Retry};

const DATA: &[u8] = b"data: ";

/// One block of the stream: an event, or, without data, what a client takes note of silently.
///
/// | parts set | what the client does |
/// |---|---|
/// | data | fires an event, of type `message` unless a type is set |
/// | id, no data | remembers the id, fires nothing |
/// | retry, no data | remembers the delay, fires nothing |
/// | a type, no data | nothing at all: an event without data is never delivered |
///
/// Empty data is data: `data("")` fires an event whose data is the empty string.
///
/// The lines stand in the order event, id, retry, data.
///
/// ```
/// use tidings_sse::encode::Event;
/// use tidings_sse::{EventId, EventType, Retry};
///
/// let (tick, id) = (EventType::new("tick").unwrap(), EventId::new("7").unwrap());
/// let event = Event::new().event_type(&tick).id(&id).retry(Retry::from_ms(500)).data("one\ntwo");
/// assert_eq!(event.to_vec(), b"event: tick\nid: 7\nretry: 500\ndata: one\ndata: two\n\n");
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[must_use = "an event does nothing until it is encoded"]
pub struct Event<'a> {
    event_type: Option<&'a EventType>,
    id: Option<&'a EventId>,
    retry: Option<Digits>,
    data: Option<&'a [u8]>,
}

impl<'a> Event<'a> {
    /// A block with nothing in it.
    pub const fn new() -> Self {
        Self { event_type: None, id: None, retry: None, data: None }
    }

    /// Sets the type.
    pub const fn event_type(mut self, event_type: &'a EventType) -> Self {
        self.event_type = Some(event_type);
        self
    }

    /// Sets the id.
    pub const fn id(mut self, id: &'a EventId) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the reconnection delay.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = Some(Digits::of(retry.as_ms()));
        self
    }

    /// Sets the data: any text, in UTF-8.
    ///
    /// Line ends of all three kinds arrive as LF, because the format has no way to carry the others. Bytes that
    /// are not UTF-8 do no harm to the stream, but arrive as U+FFFD.
    pub fn data<D: AsRef<[u8]> + ?Sized>(mut self, data: &'a D) -> Self {
        self.data = Some(data.as_ref());
        self
    }

    /// Appends the block to a `Vec<u8>` or a `BytesMut`, and makes room for it at once.
    #[inline]
    pub fn encode(&self, out: &mut impl Buffer) {
        let data = self.data.map(Lines::of);
        out.reserve(self.fields_len() + data.map_or(0, |data| data.encoded_len(DATA)) + 1);
        self.for_each_field(|name, value| {
            out.push(name);
            out.push(value);
            out.push(b"\n");
        });
        if let Some(data) = data {
            data.encode(DATA, out);
        }
        out.push(b"\n");
    }

    /// Bytes that the block takes on the wire, to the byte.
    pub fn encoded_len(&self) -> usize {
        let data = self.data.map(Lines::of);
        self.fields_len() + data.map_or(0, |data| data.encoded_len(DATA)) + 1
    }

    /// The block in a vector of exactly its size.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }

    /// The block as shared bytes.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        self.encode(&mut out);
        out.freeze()
    }

    /// The block as slices, in order, for a vectored write: neither data nor id is copied.
    ///
    /// ```
    /// use std::io::{IoSlice, Write};
    /// use tidings_sse::encode::Event;
    ///
    /// let mut socket = Vec::new();
    /// let event = Event::new().data("large");
    /// let slices: Vec<IoSlice> = event.pieces().into_iter().map(IoSlice::new).collect();
    /// let written = socket.write_vectored(&slices)?;
    /// assert_eq!(written, event.encoded_len());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn pieces(&self) -> Vec<&[u8]> {
        let mut pieces = Vec::new();
        self.for_each_field(|name, value| pieces.extend([name, value, b"\n"]));
        if let Some(data) = self.data {
            Lines::of(data).for_each(|line| pieces.extend([DATA, line, b"\n"]));
        }
        pieces.push(b"\n");
        pieces
    }

    #[inline]
    fn fields_len(&self) -> usize {
        let mut len = 0;
        self.for_each_field(|name, value| len += name.len() + value.len() + 1);
        len
    }

    /// Visits every field but data.
    #[inline]
    fn for_each_field<'s>(&'s self, mut visit: impl FnMut(&'static [u8], &'s [u8])) {
        if let Some(event_type) = self.event_type {
            visit(b"event: ", event_type.as_str().as_bytes());
        }
        if let Some(id) = self.id {
            visit(b"id: ", id.as_str().as_bytes());
        }
        if let Some(retry) = &self.retry {
            visit(b"retry: ", retry.as_bytes());
        }
    }
}
