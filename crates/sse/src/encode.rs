//! The encoder: fields in, bytes of the wire format out.
//!
//! [`Event`] borrows its parts and writes them into a `Vec<u8>`, a `BytesMut`, or a list of slices; [`Comment`]
//! does the same for lines that no listener sees. Neither can fail: what would break a line cannot be in an
//! [`EventType`](crate::EventType) or an [`EventId`](crate::EventId), and data is split wherever a client would.

mod buffer;
mod comment;
mod digits;
mod event;
mod lines;

pub use buffer::Buffer;
pub use comment::Comment;
pub use event::Event;
