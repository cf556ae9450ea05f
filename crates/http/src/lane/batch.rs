//! A batch: frames as bytes on the wire, with the places where they may be cut.

use bytes::{BufMut, Bytes, BytesMut};
use tidings_core::{Form, Frame, Sequence};

use super::member::Framing;
use crate::limits::CHUNK_BYTES_MAX;

/// `7fffffff` and a line end, before a chunk; a line end after it.
const CHUNK_OVERHEAD_BYTES: usize = 12;

/// Bytes for many sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) bytes: Bytes,
    cuts: Vec<Cut>,
}

/// The end of a chunk: whoever has all bytes up to here has all events up to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cut {
    at: usize,
    place: Sequence,
}

impl Batch {
    pub(super) fn encode(frames: &[Frame], form: Form, framing: Framing) -> Self {
        let bytes_total: usize = frames.iter().map(Frame::len).sum();
        let mut bytes =
            BytesMut::with_capacity(bytes_total + CHUNK_OVERHEAD_BYTES * (1 + frames.len().min(8)));
        let mut cuts = Vec::with_capacity(1 + bytes_total / CHUNK_BYTES_MAX);
        let mut rest = frames;
        while let Some(first) = rest.first() {
            let (mut count, mut size) = (1, first.slice(form).len());
            for frame in &rest[1..] {
                if size + frame.slice(form).len() > CHUNK_BYTES_MAX {
                    break;
                }
                size += frame.slice(form).len();
                count += 1;
            }
            let (chunk, after) = rest.split_at(count);
            put_chunk(&mut bytes, chunk, form, framing, size);
            cuts.push(Cut { at: bytes.len(), place: chunk[count - 1].sequence });
            rest = after;
        }
        Self { bytes: bytes.freeze(), cuts }
    }

    /// A block that is no event; whoever has it stands at `place`.
    pub(super) fn of_block(bytes: Bytes, place: Sequence) -> Self {
        let cuts = vec![Cut { at: bytes.len(), place }];
        Self { bytes, cuts }
    }

    /// What is owed to someone who has the first `written` bytes: the rest of the chunk, and the place then.
    ///
    /// None if nothing was written: then nothing is owed.
    pub(super) fn cut(&self, written: usize) -> Option<(Bytes, Sequence)> {
        if written == 0 {
            return None;
        }
        let cut = self.cuts[self.cuts.partition_point(|cut| cut.at < written)];
        Some((self.bytes.slice(written..cut.at), cut.place))
    }
}

fn put_chunk(bytes: &mut BytesMut, frames: &[Frame], form: Form, framing: Framing, size: usize) {
    if framing == Framing::Chunked {
        put_chunk_head(bytes, size);
    }
    for frame in frames {
        bytes.put_slice(frame.slice(form));
    }
    if framing == Framing::Chunked {
        bytes.put_slice(b"\r\n");
    }
}

fn put_chunk_head(bytes: &mut BytesMut, size: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..digits).rev() {
        bytes.put_u8(DIGITS[(size >> (digit * 4)) & 15]);
    }
    bytes.put_slice(b"\r\n");
}

/// What stands before a chunk of so many bytes.
pub(crate) fn chunk_head(size: usize) -> Bytes {
    let mut bytes = BytesMut::with_capacity(CHUNK_OVERHEAD_BYTES);
    put_chunk_head(&mut bytes, size);
    bytes.freeze()
}

/// A block that is no event, framed like one.
pub(super) fn framed(block: &[u8], framing: Framing) -> Bytes {
    let mut bytes = BytesMut::with_capacity(block.len() + CHUNK_OVERHEAD_BYTES);
    if framing == Framing::Chunked {
        put_chunk_head(&mut bytes, block.len());
    }
    bytes.put_slice(block);
    if framing == Framing::Chunked {
        bytes.put_slice(b"\r\n");
    }
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use tidings_core::contract::fixture::draft;
    use tidings_core::{Epoch, Event, UnixMillis};

    use super::*;

    fn frame(sequence: u64, data: &str) -> Frame {
        let event = Event { sequence: Sequence(sequence), time: UnixMillis(0), draft: draft("a", data) };
        Frame::encode(&event, Epoch(1))
    }

    #[test]
    fn one_frame_is_one_chunk() {
        let batch = Batch::encode(&[frame(1, "x")], Form::Plain, Framing::Chunked);

        assert_eq!(batch.bytes, "11\r\nid: 1-1\ndata: x\n\n\r\n");
    }

    #[test]
    fn without_chunks_the_bytes_are_the_frames() {
        let batch = Batch::encode(&[frame(1, "x"), frame(2, "y")], Form::Labelled, Framing::Raw);

        assert_eq!(batch.bytes, "topic: a\nid: 1-1\ndata: x\n\ntopic: a\nid: 1-2\ndata: y\n\n");
    }

    #[test]
    fn whoever_was_cut_off_is_owed_the_rest_of_its_chunk() {
        let large = "x".repeat(CHUNK_BYTES_MAX);
        let batch =
            Batch::encode(&[frame(1, "x"), frame(2, "y"), frame(3, &large)], Form::Plain, Framing::Chunked);
        let first = "22\r\nid: 1-1\ndata: x\n\nid: 1-2\ndata: y\n\n\r\n".len();

        assert_eq!(batch.cut(0), None);
        assert_eq!(batch.cut(1), Some((batch.bytes.slice(1..first), Sequence(2))));
        assert_eq!(batch.cut(first), Some((Bytes::new(), Sequence(2))));
        assert_eq!(batch.cut(first + 1), Some((batch.bytes.slice(first + 1..), Sequence(3))));
    }

    #[test]
    fn a_chunk_head_is_its_size_in_hexadecimal() {
        for (size, head) in
            [(0, "0\r\n"), (9, "9\r\n"), (16, "10\r\n"), (0xabc, "abc\r\n"), (0x10_0000, "100000\r\n")]
        {
            let mut bytes = BytesMut::new();
            put_chunk_head(&mut bytes, size);
            assert_eq!(bytes, head);
        }
    }
}
