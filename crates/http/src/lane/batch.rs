//! A batch: frames as bytes on the wire, with the places where they may be cut.

use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};
use tidings_core::{Delivery, Frame, Sequence};

use crate::limits::CHUNK_BYTES_MAX;
use crate::stream::Encoder;

/// `7fffffff` and a line end, before a chunk; a line end after it.
const CHUNK_OVERHEAD_BYTES: usize = 12;

/// How a response body is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// HTTP/1.1: chunks.
    Chunked,
    /// HTTP/1.0: until the connection closes.
    Raw,
}

/// Bytes for many sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) bytes: Bytes,
    cuts: Vec<BatchCut>,
}

/// The end of a chunk: a member that has all bytes up to here has all events up to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BatchCut {
    at: usize,
    place: Sequence,
    /// Events of the batch up to here, and their bytes without framing.
    carried: (usize, usize),
}

impl Batch {
    /// What a follower was given, after which it stands at `place`.
    pub(super) fn of(delivery: &Delivery, place: Sequence, encoder: Encoder, framing: Framing) -> Self {
        match delivery {
            Delivery::Frames(frames) => Self::of_frames(frames, encoder, framing),
            Delivery::Gap(gap) => Self::of_block(framed(&encoder.gap(gap), framing), place),
        }
    }

    fn of_frames(frames: &[Frame], encoder: Encoder, framing: Framing) -> Self {
        let pieces: Vec<Cow<'_, [u8]>> = frames.iter().map(|frame| encoder.borrow(frame)).collect();
        let bytes_total: usize = pieces.iter().map(|piece| piece.len()).sum();
        let mut bytes =
            BytesMut::with_capacity(bytes_total + CHUNK_OVERHEAD_BYTES * (1 + frames.len().min(8)));
        let mut cuts = Vec::with_capacity(1 + bytes_total / CHUNK_BYTES_MAX);
        let (mut start, mut carried) = (0, 0);
        while start < pieces.len() {
            let (mut end, mut size) = (start + 1, pieces[start].len());
            while end < pieces.len() && size + pieces[end].len() <= CHUNK_BYTES_MAX {
                size += pieces[end].len();
                end += 1;
            }
            put_chunk(&mut bytes, &pieces[start..end], framing, size);
            carried += size;
            let place = frames[end - 1].sequence();
            cuts.push(BatchCut { at: bytes.len(), place, carried: (end, carried) });
            start = end;
        }
        Self { bytes: bytes.freeze(), cuts }
    }

    /// A block that is no event; a member that has it stands at `place`.
    pub(super) fn of_block(bytes: Bytes, place: Sequence) -> Self {
        let cuts = vec![BatchCut { at: bytes.len(), place, carried: (0, 0) }];
        Self { bytes, cuts }
    }

    /// Events of the batch up to a place, and their bytes without framing.
    pub(super) fn through(&self, place: Sequence) -> (usize, usize) {
        let count = self.cuts.partition_point(|cut| cut.place <= place);
        count.checked_sub(1).map_or((0, 0), |last| self.cuts[last].carried)
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

fn put_chunk(bytes: &mut BytesMut, pieces: &[Cow<'_, [u8]>], framing: Framing, size: usize) {
    if framing == Framing::Chunked {
        put_chunk_head(bytes, size);
    }
    for piece in pieces {
        bytes.put_slice(piece);
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

/// The last block of a response, and the end of its body.
pub(super) fn last(block: &[u8], framing: Framing) -> Vec<u8> {
    let mut bytes = framed(block, framing).to_vec();
    if framing == Framing::Chunked {
        bytes.extend_from_slice(b"0\r\n\r\n");
    }
    bytes
}

#[cfg(test)]
mod tests {
    use tidings_core::contract::fixture::draft;
    use tidings_core::{Cursor, Epoch, Event, UnixMillis};

    use super::*;

    fn frames(texts: &[&str]) -> Delivery {
        let frame = |(number, data): (u64, &&str)| {
            let cursor = Cursor::new(Epoch(1), Sequence(number));
            Frame::of(Event { cursor, time: UnixMillis(0), draft: draft("a", data) })
        };
        Delivery::Frames((1..).zip(texts).map(frame).collect())
    }

    fn batch(texts: &[&str], encoder: Encoder, framing: Framing) -> Batch {
        Batch::of(&frames(texts), Sequence(texts.len() as u64), encoder, framing)
    }

    #[test]
    fn one_frame_is_one_chunk() {
        let batch = batch(&["x"], Encoder::Sse, Framing::Chunked);

        assert_eq!(batch.bytes, "11\r\nid: 1-1\ndata: x\n\n\r\n");
    }

    #[test]
    fn without_chunks_the_bytes_are_the_frames() {
        let batch = batch(&["x", "y"], Encoder::SseWithTopics, Framing::Raw);

        assert_eq!(batch.bytes, "topic: a\nid: 1-1\ndata: x\n\ntopic: a\nid: 1-2\ndata: y\n\n");
    }

    #[test]
    fn a_member_that_was_cut_off_is_owed_the_rest_of_its_chunk() {
        let large = "x".repeat(CHUNK_BYTES_MAX);
        let batch = batch(&["x", "y", &large], Encoder::Sse, Framing::Chunked);
        let first = "22\r\nid: 1-1\ndata: x\n\nid: 1-2\ndata: y\n\n\r\n".len();

        assert_eq!(batch.cut(0), None);
        assert_eq!(batch.cut(1), Some((batch.bytes.slice(1..first), Sequence(2))));
        assert_eq!(batch.cut(first), Some((Bytes::new(), Sequence(2))));
        assert_eq!(batch.cut(first + 1), Some((batch.bytes.slice(first + 1..), Sequence(3))));
    }

    #[test]
    fn a_member_has_the_events_up_to_its_place_without_the_framing() {
        let large = "x".repeat(CHUNK_BYTES_MAX);
        let batch = batch(&["x", "y", &large], Encoder::Sse, Framing::Chunked);
        let [first, second] = ["id: 1-1\ndata: x\n\n", "id: 1-3\ndata: \n\n"].map(str::len);

        assert_eq!(batch.through(Sequence(0)), (0, 0));
        assert_eq!(batch.through(Sequence(2)), (2, 2 * first));
        assert_eq!(batch.through(Sequence(9)), (3, 2 * first + second + CHUNK_BYTES_MAX));
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
