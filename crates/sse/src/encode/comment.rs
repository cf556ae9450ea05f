//! A comment: bytes that keep a connection warm and no listener sees.

use alloc::vec::Vec;

use super::buffer::Buffer;
use super::lines::Lines;

const COLON: &[u8] = b":";

/// Lines that begin with a colon. Text of several lines becomes several comments.
///
/// A comment may stand anywhere between the lines of a stream and affects nothing around it.
///
/// ```
/// use tidings_sse::encode::Comment;
///
/// assert_eq!(Comment::new("").to_vec(), b":\n");
/// assert_eq!(Comment::new(" still here\ndata: x").to_vec(), b": still here\n:data: x\n");
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use = "a comment does nothing until it is encoded"]
pub struct Comment<'a> {
    text: &'a [u8],
}

impl<'a> Comment<'a> {
    /// A comment of this text, which stands right after the colon; the empty one is the shortest heartbeat.
    pub fn new<T: AsRef<[u8]> + ?Sized>(text: &'a T) -> Self {
        Self { text: text.as_ref() }
    }

    /// Appends the comment to a `Vec<u8>` or a `BytesMut`.
    pub fn encode(&self, out: &mut impl Buffer) {
        let lines = Lines::of(self.text);
        out.reserve(lines.encoded_len(COLON));
        lines.encode(COLON, out);
    }

    /// Bytes that the comment takes on the wire, to the byte.
    pub fn encoded_len(&self) -> usize {
        Lines::of(self.text).encoded_len(COLON)
    }

    /// The comment in a vector of exactly its size.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }
}
