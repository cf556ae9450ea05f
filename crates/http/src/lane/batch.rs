//! A batch: frames as bytes on the wire, with the places where they may be cut.
//!
//! Small frames are joined into one buffer, which is written at once. A frame that is larger than a chunk is not copied:
//! it stays a piece of its own, which all members share, with everybody else who has the frame.

use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};
use smallvec::SmallVec;
use tidings_core::{ConnectionId, Delivery, Frame, Sequence};

use super::member::Taken;
use super::owed::Owed;
use super::text::{AnyText, Text};
use crate::limits::CHUNK_BYTES_MAX;
use crate::stream::gzip::{Coding, Deflater, Packed, Sum, blocks};
use crate::stream::{Encoder, Ending};
use crate::unread::FrameKey;

/// `7fffffff` and a line end, before a chunk; a line end after it.
const CHUNK_OVERHEAD_BYTES: usize = 12;

/// What ends a chunk.
pub(crate) const CHUNK_END: &[u8] = b"\r\n";

/// What ends a body of chunks.
pub(crate) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// How a response body is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// HTTP/1.1: chunks.
    Chunked,
    /// HTTP/1.0: until the connection closes.
    Raw,
}

/// How what is said to a group becomes bytes.
#[derive(Clone, Copy)]
pub(super) struct Wire<'a> {
    pub(super) encoder: Encoder,
    pub(super) framing: Framing,
    pub(super) coding: Coding,
    pub(super) deflater: &'a Deflater,
}

/// Bytes for many sockets, one piece unless there are large frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) pieces: SmallVec<[Piece; 1]>,
    cuts: Vec<BatchCut>,
}

/// Bytes that lie together in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    /// The bytes are those of one large frame, all of it or the rest. Otherwise the buffer belongs to the batch, and
    /// goes with it.
    pub(super) frame: Option<FrameKey>,
}

/// The end of a chunk: a member that has all bytes up to here has all events up to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BatchCut {
    at: usize,
    place: Sequence,
    /// Events of the batch up to here, and their bytes without framing.
    carried: (usize, usize),
    /// Of the batch up to here, if it is compressed.
    sum: Sum,
}

/// A block that is framed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Framed {
    pub(super) bytes: Bytes,
    /// That of the block, if it is part of a compressed stream.
    pub(super) sum: Sum,
}

impl Batch {
    /// What a follower was given, after which it stands at `place`.
    pub(super) fn of(delivery: &Delivery, place: Sequence, wire: Wire<'_>) -> Self {
        match delivery {
            Delivery::Frames(frames) => {
                let Wire { encoder, deflater, .. } = wire;
                match wire.coding {
                    Coding::Identity => {
                        let texts = frames.iter().map(|frame| encoder.borrow(frame)).collect();
                        Self::of_frames(frames, texts, wire)
                    }
                    Coding::Gzip | Coding::Messages => {
                        let texts = frames.iter().map(|frame| deflater.event(encoder, frame)).collect();
                        Self::of_frames(frames, texts, wire)
                    }
                }
            }
            Delivery::Gap(gap) => Self::of_block(wire.framed(&wire.encoder.gap(gap)), place),
        }
    }

    /// The same for one reader, without the events of which it gets no echo. It is told the place if the last one is such an
    /// event; else the event behind it tells a place.
    pub(super) fn for_reader(
        delivery: &Delivery,
        place: Sequence,
        wire: Wire<'_>,
        reader: ConnectionId,
    ) -> Self {
        let Delivery::Frames(frames) = delivery else { return Self::of(delivery, place, wire) };
        let last = frames.len().saturating_sub(1);
        let texts = frames.iter().enumerate().map(|(number, frame)| match frame.is_for(reader) {
            true => wire.event(frame),
            false if number < last => AnyText::Plain(Cow::Borrowed(&[][..])),
            false => wire.block(&wire.encoder.cursor(frame.event().cursor).unwrap_or_default()),
        });
        let texts = texts.collect();
        let mut batch = Self::of_frames(frames, texts, wire);
        // What is counted as delivered are events.
        let spared = |through: usize| frames[..through].iter().filter(|frame| !frame.is_for(reader)).count();
        batch.cuts.iter_mut().for_each(|cut| cut.carried.0 -= spared(cut.carried.0));
        batch
    }

    fn of_frames<T: Text>(frames: &[Frame], mut texts: Vec<T>, wire: Wire<'_>) -> Self {
        let Wire { encoder, framing, .. } = wire;
        let len = |text: &T| text.bytes().len();
        let small = texts.iter().map(len).filter(|len| *len <= CHUNK_BYTES_MAX);
        let joined_bytes: usize = small.sum();
        let mut joined =
            BytesMut::with_capacity(joined_bytes + CHUNK_OVERHEAD_BYTES * (1 + frames.len().min(8)));
        let mut pieces = SmallVec::new();
        let mut cuts = Vec::with_capacity(1 + joined_bytes / CHUNK_BYTES_MAX);
        // Bytes of the pieces so far; `joined` goes on behind them.
        let mut put_away = 0;
        let (mut start, mut carried, mut sum) = (0, 0, Sum::default());
        while start < texts.len() {
            let (mut end, mut size) = (start + 1, len(&texts[start]));
            while end < texts.len() && size + len(&texts[end]) <= CHUNK_BYTES_MAX {
                size += len(&texts[end]);
                end += 1;
            }
            // A chunk of no bytes would end the answer.
            let framing = if size == 0 { Framing::Raw } else { framing };
            put_chunk_start(&mut joined, framing, size);
            if size > CHUNK_BYTES_MAX {
                let packing = texts[start].packing();
                let bytes = texts[start].piece(encoder, &frames[start]);
                put_away += joined.len() + bytes.len();
                push_joined(&mut pieces, joined.split());
                let key = FrameKey { cursor: frames[start].event().cursor, encoder, packing };
                pieces.push(Piece { bytes, frame: Some(key) });
            } else {
                texts[start..end].iter().for_each(|text| joined.put_slice(text.bytes()));
            }
            put_chunk_end(&mut joined, framing);
            carried += size;
            if wire.coding == Coding::Gzip {
                sum = texts[start..end].iter().fold(sum, |sum, text| sum.then(text.sum()));
            }
            let (at, place) = (put_away + joined.len(), frames[end - 1].sequence());
            cuts.push(BatchCut { at, place, carried: (end, carried), sum });
            start = end;
        }
        push_joined(&mut pieces, joined);
        Self { pieces, cuts }
    }

    /// A block that is no event; a member that has it stands at `place`.
    pub(super) fn of_block(block: Framed, place: Sequence) -> Self {
        let Framed { bytes, sum } = block;
        let cuts = vec![BatchCut { at: bytes.len(), place, carried: (0, 0), sum }];
        Self { pieces: SmallVec::from_buf([Piece { bytes, frame: None }]), cuts }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.cuts.last().map_or(0, |cut| cut.at)
    }

    /// Whether there is a large frame in it.
    pub(super) fn is_large(&self) -> bool {
        self.pieces.iter().any(|piece| piece.frame.is_some())
    }

    /// The bytes of a large frame.
    pub(super) fn frame(&self, key: FrameKey) -> Option<&Bytes> {
        self.pieces.iter().find(|piece| piece.frame == Some(key)).map(|piece| &piece.bytes)
    }

    /// Events of the batch up to a place, and their bytes without framing.
    pub(super) fn through(&self, place: Sequence) -> (usize, usize) {
        let count = self.cuts.partition_point(|cut| cut.place <= place);
        count.checked_sub(1).map_or((0, 0), |last| self.cuts[last].carried)
    }

    /// The sum of the batch up to a place, if it is compressed.
    fn sum_through(&self, place: Sequence) -> Sum {
        let count = self.cuts.partition_point(|cut| cut.place <= place);
        count.checked_sub(1).map_or_else(Sum::default, |last| self.cuts[last].sum)
    }

    /// The sum of what a member was written of it that stands at `place` now. What its socket owes of a chunk counts: without it the
    /// stream does not go on.
    pub(super) fn sum_of(&self, taken: &Result<Taken, Ending>, place: Option<Sequence>) -> Sum {
        match (taken, place) {
            (Ok(Taken::All), _) => self.sum(),
            (Ok(Taken::Part), Some(place)) => self.sum_through(place),
            (Ok(Taken::Part | Taken::Nothing) | Err(_), _) => Sum::default(),
        }
    }

    /// The sum of all of it.
    pub(super) fn sum(&self) -> Sum {
        self.cuts.last().map_or_else(Sum::default, |cut| cut.sum)
    }

    /// What is owed to someone who has the first `written` bytes: the rest of the chunk, and the place then.
    ///
    /// None if nothing was written: then nothing is owed.
    pub(super) fn cut(&self, written: usize) -> Option<Owed> {
        if written == 0 {
            return None;
        }
        let cut = self.cuts[self.cuts.partition_point(|cut| cut.at < written)];
        let mut owed = Owed::chunk(cut.place);
        let mut start = 0;
        for piece in &self.pieces {
            let end = start + piece.bytes.len();
            if start < cut.at && end > written {
                let (from, to) = (written.max(start) - start, cut.at.min(end) - start);
                owed.add(piece, from..to);
            }
            start = end;
        }
        Some(owed)
    }
}

impl<'a> Wire<'a> {
    /// An event.
    fn event<'f>(self, frame: &'f Frame) -> AnyText<'f> {
        match self.coding {
            Coding::Identity => AnyText::Plain(self.encoder.borrow(frame)),
            Coding::Gzip | Coding::Messages => AnyText::Packed(self.deflater.event(self.encoder, frame)),
        }
    }

    /// A block that is no event.
    fn block(self, block: &[u8]) -> AnyText<'static> {
        match self.coding {
            Coding::Identity | Coding::Messages => AnyText::Plain(Cow::Owned(block.to_vec())),
            Coding::Gzip => AnyText::Packed(Packed::stored(block)),
        }
    }

    /// A block that is no event, framed like one.
    pub(super) fn framed(self, block: &[u8]) -> Framed {
        match self.coding {
            Coding::Identity | Coding::Messages => {
                Framed { bytes: framed(block, self.framing), sum: Sum::default() }
            }
            Coding::Gzip => {
                Framed { bytes: framed(&blocks::stored(block), self.framing), sum: Sum::of(block) }
            }
        }
    }

    /// Bytes that say nothing, framed.
    pub(super) fn probe(self) -> Framed {
        let bytes = match self.coding {
            Coding::Identity | Coding::Messages => framed(&self.encoder.probe(), self.framing),
            Coding::Gzip => framed(&blocks::EMPTY, self.framing),
        };
        Framed { bytes, sum: Sum::default() }
    }

    /// The last block of a response, and the end of its body. `sum` is that of all that came before.
    pub(super) fn last(self, block: &[u8], sum: Sum) -> Vec<u8> {
        match self.coding {
            Coding::Identity | Coding::Messages => last(block, self.framing),
            Coding::Gzip => last(&blocks::end(sum, block), self.framing),
        }
    }
}

/// Ends the joined bytes so far: a large frame follows, or nothing.
fn push_joined(pieces: &mut SmallVec<[Piece; 1]>, joined: BytesMut) {
    if !joined.is_empty() {
        pieces.push(Piece { bytes: joined.freeze(), frame: None });
    }
}

fn put_chunk_start(bytes: &mut BytesMut, framing: Framing, size: usize) {
    if framing == Framing::Chunked {
        put_chunk_head(bytes, size);
    }
}

fn put_chunk_end(bytes: &mut BytesMut, framing: Framing) {
    if framing == Framing::Chunked {
        bytes.put_slice(CHUNK_END);
    }
}

fn put_chunk_head(bytes: &mut BytesMut, size: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..digits).rev() {
        bytes.put_u8(DIGITS[(size >> (digit * 4)) & 15]);
    }
    bytes.put_slice(CHUNK_END);
}

/// What stands before a chunk of so many bytes.
pub(crate) fn chunk_head(size: usize) -> Bytes {
    let mut bytes = BytesMut::with_capacity(CHUNK_OVERHEAD_BYTES);
    put_chunk_head(&mut bytes, size);
    bytes.freeze()
}

/// Bytes that stand around a chunk of so many bytes.
pub(crate) fn chunk_frame_bytes(size: usize) -> usize {
    chunk_head(size).len() + CHUNK_END.len()
}

/// A block that is no event, framed like one.
fn framed(block: &[u8], framing: Framing) -> Bytes {
    let mut bytes = BytesMut::with_capacity(block.len() + CHUNK_OVERHEAD_BYTES);
    if framing == Framing::Chunked {
        put_chunk_head(&mut bytes, block.len());
    }
    bytes.put_slice(block);
    if framing == Framing::Chunked {
        bytes.put_slice(CHUNK_END);
    }
    bytes.freeze()
}

/// The last block of a response, and the end of its body.
fn last(block: &[u8], framing: Framing) -> Vec<u8> {
    let mut bytes = framed(block, framing).to_vec();
    if framing == Framing::Chunked {
        bytes.extend_from_slice(LAST_CHUNK);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidings_core::contract::ManualClock;
    use tidings_core::contract::fixture::{draft, selectors};
    use tidings_core::memory::MemoryRetention;
    use tidings_core::{
        Cursor, Epoch, Event, Hub, Limits, MemoryStore, OnGap, Position, Request, UnixMillis,
    };

    use super::*;
    use crate::stream::Opening;

    fn frames(texts: &[&str]) -> Delivery {
        let frame = |(number, data): (u64, &&str)| {
            let cursor = Cursor::new(Epoch(1), Sequence(number));
            Frame::of(Event { cursor, time: UnixMillis(0), draft: draft("a", data) })
        };
        Delivery::Frames((1..).zip(texts).map(frame).collect())
    }

    fn batch(texts: &[&str], encoder: Encoder, framing: Framing) -> Batch {
        let wire = Wire { encoder, framing, coding: Coding::Identity, deflater: &Deflater::default() };
        Batch::of(&frames(texts), Sequence(texts.len() as u64), wire)
    }

    /// All pieces as one, and whether each is a frame.
    fn written(batch: &Batch) -> (Vec<u8>, Vec<bool>) {
        let pieces = &batch.pieces;
        let bytes = pieces.iter().flat_map(|piece| piece.bytes.to_vec()).collect();
        (bytes, pieces.iter().map(|piece| piece.frame.is_some()).collect())
    }

    #[test]
    fn one_frame_is_one_chunk() {
        let batch = batch(&["x"], Encoder::Sse(Opening::Event), Framing::Chunked);

        assert_eq!(written(&batch), (b"11\r\nid: 1-1\ndata: x\n\n\r\n".to_vec(), vec![false]));
    }

    #[test]
    fn without_chunks_the_bytes_are_the_frames() {
        let batch = batch(&["x", "y"], Encoder::SseWithTopics(Opening::Event), Framing::Raw);

        let expected = b"topic: a\nid: 1-1\ndata: x\n\ntopic: a\nid: 1-2\ndata: y\n\n";
        assert_eq!(written(&batch), (expected.to_vec(), vec![false]));
    }

    #[test]
    fn a_large_frame_is_a_piece_of_its_own_between_joined_ones() {
        let large = "x".repeat(CHUNK_BYTES_MAX);
        let texts = ["x", &large, "y", &large, &large];

        for (framing, kinds) in [
            (Framing::Chunked, &[false, true, false, true, false, true, false][..]),
            (Framing::Raw, &[false, true, false, true, true]),
        ] {
            let batch = batch(&texts, Encoder::Sse(Opening::Event), framing);

            let event = |(number, text): (u64, &&str)| format!("id: 1-{number}\ndata: {text}\n\n");
            let chunk = |event: String| match framing {
                Framing::Chunked => format!("{:x}\r\n{event}\r\n", event.len()),
                Framing::Raw => event,
            };
            let expected: String = (1..).zip(&texts).map(event).map(chunk).collect();
            assert_eq!(written(&batch), (expected.into_bytes(), kinds.to_vec()));
            let ends: Vec<_> = batch.cuts.iter().map(|cut| cut.place.0).collect();
            assert_eq!(ends, [1, 2, 3, 4, 5]);
        }
    }

    #[tokio::test]
    async fn a_large_frame_of_the_window_is_not_copied() {
        let frames = windowed("a", &"x".repeat(2 * CHUNK_BYTES_MAX)).await;
        let shared = Encoder::Sse(Opening::Event).event(&frames[0]);

        let (encoder, framing, coding) = (Encoder::Sse(Opening::Event), Framing::Chunked, Coding::Identity);
        let wire = Wire { encoder, framing, coding, deflater: &Deflater::default() };
        let batch = Batch::of(&Delivery::Frames(frames), Sequence(1), wire);

        let frame = batch.pieces.iter().find(|piece| piece.frame.is_some()).unwrap();
        assert_eq!((frame.bytes.as_ptr(), frame.bytes.len()), (shared.as_ptr(), shared.len()));
        let head = format!("{:x}\r\n", shared.len()).len();
        let mut owed = batch.cut(100).unwrap();
        assert_eq!(owed.pieces[0].bytes.as_ptr(), shared[100 - head..].as_ptr());
        owed.advance(shared.len() - 200);
        assert!(owed.pieces[0].frame.is_none(), "a small rest keeps the whole frame in memory");
    }

    /// An event as the window holds it, encoded by the feed.
    async fn windowed(topic: &str, data: &str) -> Vec<Frame> {
        let store = MemoryStore::new(Epoch(1), ManualClock::at(0), MemoryRetention::default());
        let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
        let _sse = hub.encode(Encoder::Sse(Opening::Event).encoding());
        let request =
            Request { selectors: selectors(&[topic]), from: Position::Now, on_gap: OnGap::Earliest };
        let mut subscription = hub.subscribe(request).await.unwrap().subscription;
        hub.publish(draft(topic, data)).await.unwrap();
        let Ok(Some(Delivery::Frames(frames))) = subscription.next().await else { return Vec::new() };
        frames
    }

    #[test]
    fn a_member_that_was_cut_off_is_owed_the_rest_of_its_chunk() {
        let large = "x".repeat(CHUNK_BYTES_MAX);
        let batch = batch(&["x", "y", &large], Encoder::Sse(Opening::Event), Framing::Chunked);
        let all = written(&batch).0;
        let first = "22\r\nid: 1-1\ndata: x\n\nid: 1-2\ndata: y\n\n\r\n".len();
        let owed = |written| {
            let owed = batch.cut(written)?;
            Some((owed.pieces.iter().flat_map(|piece| piece.bytes.to_vec()).collect::<Vec<_>>(), owed.then))
        };

        assert_eq!(owed(0), None);
        assert_eq!(owed(1), Some((all[1..first].to_vec(), Sequence(2))));
        assert_eq!(owed(first), Some((Vec::new(), Sequence(2))));
        for written in [first + 1, first + 100, all.len() - 100, all.len() - 1] {
            assert_eq!(owed(written), Some((all[written..].to_vec(), Sequence(3))));
        }
    }

    #[test]
    fn a_member_has_the_events_up_to_its_place_without_the_framing() {
        let large = "x".repeat(CHUNK_BYTES_MAX);
        let batch = batch(&["x", "y", &large], Encoder::Sse(Opening::Event), Framing::Chunked);
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
