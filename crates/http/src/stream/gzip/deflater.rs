//! The deflater: compresses events, each once for all lanes and tasks.
//!
//! What it has made is kept for a while, so that others find it. Work is bounded by a budget: an event beyond it stands in stored blocks,
//! which any reader takes just as well.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use flate2::{Compress, CompressError, Compression, FlushCompress};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tidings_core::{Cursor, Frame};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::rate::Rate;
use super::{Sum, blocks};
use crate::limits::{
    DEFLATE_AT_ONCE_BYTES_MAX, DEFLATE_BYTES_MIN, DEFLATE_BYTES_PER_SECOND_MAX, DEFLATE_EVENT_COST_BYTES,
    DEFLATE_LEVEL, DEFLATED_BYTES_MAX,
};
use crate::stream::Encoder;
use crate::stream::encode::socket_frame;

/// What a sync flush ends with.
const FLUSHED: &[u8] = &[0, 0, 0xff, 0xff];

/// Room for what stands around compressed bytes: with less, a flush would have to be asked for twice.
const FLUSH_ROOM: usize = 64;

/// An event as a part of a gzip stream.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    pub(crate) bytes: Bytes,
    /// That of the event, as its reader has it.
    pub(crate) sum: Sum,
    pub(crate) packing: Packing,
}

/// How an event is written to a socket. The bytes of one event in one encoding are the same only if this is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Packing {
    /// As it is.
    Plain,
    /// Compressed.
    Deflated,
    /// In stored blocks of a compressed stream.
    Stored,
}

/// Compresses events. Cloning shares it. Until the first event it has no memory to speak of.
#[derive(Debug, Clone)]
pub(crate) struct Deflater(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    kept: Mutex<Kept>,
    rate: Mutex<Rate>,
    /// Held while an event is compressed, so that two lanes do not compress the same one.
    workbench: Mutex<Workbench>,
    /// Large events are compressed one after the other.
    large: Semaphore,
    /// Events that were compressed.
    deflated: Counter,
    /// Events for which the budget had nothing left.
    skipped: Counter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    cursor: Cursor,
    encoder: Encoder,
}

/// What was made, the oldest first.
#[derive(Debug, Default)]
struct Kept {
    by_key: HashMap<Key, Packed>,
    order: VecDeque<Key>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Workbench {
    compress: Option<Compress>,
    buffer: Vec<u8>,
}

impl Default for Deflater {
    fn default() -> Self {
        Self::within(DEFLATE_BYTES_PER_SECOND_MAX)
    }
}

impl Deflater {
    fn within(bytes_per_second: u64) -> Self {
        Self(Arc::new(Shared {
            kept: Mutex::default(),
            rate: Mutex::new(Rate::new(bytes_per_second)),
            workbench: Mutex::default(),
            large: Semaphore::new(1),
            deflated: Counter::default(),
            skipped: Counter::default(),
        }))
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Events that were compressed, once for all who read them in one format";
        registry.register("deflated_events", help, self.0.deflated.clone());
        let help = "Events that travelled uncompressed in compressed streams because the budget of the second was used up";
        registry.register("deflate_skipped_events", help, self.0.skipped.clone());
    }

    /// Bytes of compressed events that are kept for others.
    pub(crate) fn bytes(&self) -> usize {
        self.kept().bytes
    }

    /// An event, as the streams of an encoder have it. A large one is compressed only if that was [done before](Self::prepare).
    pub(crate) fn event(&self, encoder: Encoder, frame: &Frame) -> Packed {
        let key = Key::of(encoder, frame);
        if let Some(packed) = self.kept().get(key) {
            return packed;
        }
        let (text, form) = (encoder.text(frame), Form::of(encoder));
        if text.len() < DEFLATE_BYTES_MIN {
            return form.stored(&text);
        }
        if is_large(frame) {
            self.0.skipped.inc();
            return self.kept().add(key, form.stored(&text));
        }
        let mut workbench = lock(&self.0.workbench);
        // Another one may have made it meanwhile.
        if let Some(packed) = self.kept().get(key) {
            return packed;
        }
        let packed = match self.take(text.len()) {
            true => workbench.pack(&text, form),
            false => form.stored(&text),
        };
        // Before the workbench is free, or the next one would make it again.
        self.kept().add(key, packed)
    }

    /// Whether a large event has to be compressed first, off the thread that writes it.
    pub(crate) fn must_prepare(&self, encoder: Encoder, frames: &[Frame]) -> bool {
        frames.iter().any(|frame| self.is_wanted(encoder, frame))
    }

    /// Compresses large events on another thread, unless that was done, or there is no budget for it. Cancel safe.
    pub(crate) async fn prepare(&self, encoder: Encoder, frames: &[Frame]) {
        for frame in frames.iter().filter(|frame| is_large(frame)) {
            if !self.is_wanted(encoder, frame) {
                continue;
            }
            // Never closed. Those that wait for the same event find it.
            let Ok(_turn) = self.0.large.acquire().await else { return };
            if !self.is_wanted(encoder, frame) {
                continue;
            }
            self.take(frame.event().draft.bytes());
            let own = frame.clone();
            let packed =
                spawn_blocking(move || Workbench::default().pack(&encoder.text(&own), Form::of(encoder)))
                    .await;
            // It fails only while the runtime ends.
            let Ok(packed) = packed else { return };
            self.kept().add(Key::of(encoder, frame), packed);
        }
    }

    fn is_wanted(&self, encoder: Encoder, frame: &Frame) -> bool {
        is_large(frame) && self.kept().get(Key::of(encoder, frame)).is_none() && lock(&self.0.rate).is_left()
    }

    fn take(&self, bytes: usize) -> bool {
        let is_taken = lock(&self.0.rate).take(bytes as u64 + DEFLATE_EVENT_COST_BYTES);
        let counter = if is_taken { &self.0.deflated } else { &self.0.skipped };
        counter.inc();
        is_taken
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        lock(&self.0.kept)
    }
}

/// By the event's own text: what an encoding makes of it is not known before.
fn is_large(frame: &Frame) -> bool {
    frame.event().draft.bytes() > DEFLATE_AT_ONCE_BYTES_MAX
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Packed {
    /// Bytes as stored blocks.
    pub(crate) fn stored(text: &[u8]) -> Self {
        let bytes = blocks::stored(text).into();
        Self { bytes, sum: Sum::of(text), packing: Packing::Stored }
    }
}

/// What compressed events stand in.
#[derive(Clone, Copy)]
enum Form {
    /// A gzip stream.
    Gzip,
    /// Messages of a WebSocket, of which each says whether it is compressed.
    Messages,
}

impl Form {
    fn of(encoder: Encoder) -> Self {
        if encoder == Encoder::WebSocket { Self::Messages } else { Self::Gzip }
    }

    fn stored(self, text: &[u8]) -> Packed {
        match self {
            Self::Gzip => Packed::stored(text),
            Self::Messages => Packed {
                bytes: socket_frame::text(text).into(),
                sum: Sum::default(),
                packing: Packing::Plain,
            },
        }
    }

    /// A text that was deflated up to the boundary of a byte. None if that is no shorter.
    fn deflated(self, deflated: &[u8], text: &[u8]) -> Option<Packed> {
        let (bytes, sum) = match self {
            Self::Gzip => {
                let stored_len = text.len() + 2 * blocks::EMPTY.len();
                let is_good = deflated.len() < stored_len && deflated.ends_with(FLUSHED);
                (is_good.then(|| Bytes::copy_from_slice(deflated))?, Sum::of(text))
            }
            // RFC 7692, 7.2.1: without the end of the flush, which the reader adds.
            Self::Messages => {
                let deflated = deflated.strip_suffix(FLUSHED).filter(|bytes| bytes.len() < text.len())?;
                (socket_frame::deflated_text(deflated).into(), Sum::default())
            }
        };
        Some(Packed { bytes, sum, packing: Packing::Deflated })
    }
}

impl Key {
    fn of(encoder: Encoder, frame: &Frame) -> Self {
        Self { cursor: frame.event().cursor, encoder: encoder.of_events() }
    }
}

impl Kept {
    fn get(&self, key: Key) -> Option<Packed> {
        self.by_key.get(&key).cloned()
    }

    /// Adds what was made; if there was something, that stays. The newest stays, whatever its size.
    fn add(&mut self, key: Key, packed: Packed) -> Packed {
        if let Some(before) = self.get(key) {
            return before;
        }
        self.bytes += packed.bytes.len();
        self.order.push_back(key);
        self.by_key.insert(key, packed.clone());
        while self.bytes > DEFLATED_BYTES_MAX && self.order.len() > 1 {
            let oldest = self.order.pop_front().and_then(|oldest| self.by_key.remove(&oldest));
            self.bytes -= oldest.map_or(0, |oldest| oldest.bytes.len());
        }
        packed
    }
}

impl Workbench {
    /// Compressed, or in stored blocks if that is no longer.
    fn pack(&mut self, text: &[u8], form: Form) -> Packed {
        let deflated = self.deflate(text);
        // It does not fail on input of any kind.
        let deflated = deflated.ok().and_then(|()| form.deflated(&self.buffer, text));
        deflated.unwrap_or_else(|| form.stored(text))
    }

    /// Deflates a text into the buffer, as if nothing had come before it, up to the boundary of a byte.
    fn deflate(&mut self, text: &[u8]) -> Result<(), CompressError> {
        let Self { compress, buffer } = self;
        let compress = compress.get_or_insert_with(|| Compress::new(Compression::new(DEFLATE_LEVEL), false));
        compress.reset();
        buffer.clear();
        // Memory for one large text is not kept.
        buffer.shrink_to(2 * DEFLATE_AT_ONCE_BYTES_MAX);
        buffer.reserve(text.len() / 2 + FLUSH_ROOM);
        loop {
            let taken = compress.total_in() as usize;
            compress.compress_vec(&text[taken..], buffer, FlushCompress::Sync)?;
            // There was room for more, so the flush is complete.
            if buffer.len() < buffer.capacity() {
                return Ok(());
            }
            buffer.reserve(text.len() / 2 + FLUSH_ROOM);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use flate2::write::GzDecoder;
    use proptest::prelude::*;
    use tidings_core::contract::fixture::draft;
    use tidings_core::{Epoch, Event, Sequence, UnixMillis};

    use super::*;
    use crate::stream::Opening;

    const SSE: Encoder = Encoder::Sse(Opening::Event);

    fn frame(number: u64, data: &str) -> Frame {
        let cursor = Cursor::new(Epoch(1), Sequence(number));
        Frame::of(Event { cursor, time: UnixMillis(0), draft: draft("a", data) })
    }

    fn text(len: usize) -> String {
        (0..).map(|number| format!("{{\"number\":{number}}},")).take(len / 14 + 1).collect::<String>()[..len]
            .to_owned()
    }

    /// What a reader that is given this has at once, without what would come next.
    fn read(decoder: &mut GzDecoder<Vec<u8>>, bytes: &[u8]) -> Vec<u8> {
        decoder.get_mut().clear();
        decoder.write_all(bytes).unwrap();
        decoder.flush().unwrap();
        decoder.get_ref().clone()
    }

    #[tokio::test]
    async fn each_event_is_read_at_once_by_a_reader_that_came_at_any_time() {
        let deflater = Deflater::default();
        let noise: String = (0..40_000_u32)
            .map(|at| char::from(b' ' + (at.wrapping_mul(2_654_435_761) >> 25) as u8 % 90))
            .collect();
        let texts = [
            "x".to_owned(),
            text(100),
            text(128),
            text(1_900),
            noise,
            text(60_000),
            text(300_000),
            text(1_900),
        ];
        let frames: Vec<_> = (1..).zip(&texts).map(|(number, text)| frame(number, text)).collect();
        deflater.prepare(SSE, &frames).await;

        for first in 0..frames.len() {
            let mut decoder = GzDecoder::new(Vec::new());
            let (begin, mut sum) = blocks::begin(b"retry: 1\n");
            assert_eq!(read(&mut decoder, &begin), b"retry: 1\n");
            for frame in &frames[first..] {
                let packed = deflater.event(SSE, frame);
                assert_eq!(read(&mut decoder, &packed.bytes), SSE.event(frame));
                sum = sum.then(packed.sum);
            }
            let mut decoder = decoder;
            assert_eq!(read(&mut decoder, &blocks::end(sum, b":\n")), b":\n");
            decoder.try_finish().unwrap();
        }
    }

    #[tokio::test]
    async fn what_is_small_or_does_not_get_smaller_is_stored() {
        let deflater = Deflater::default();
        let packing = |data: &str| deflater.event(SSE, &frame(data.len() as u64, data)).packing;
        let mut noise = [0; 400];
        getrandom::fill(&mut noise).unwrap();
        let noise: String = noise.iter().map(|byte| char::from(b'!' + byte % 90)).collect();

        // With its id, an event has 18 bytes more.
        assert_eq!(packing(&text(DEFLATE_BYTES_MIN - 30)), Packing::Stored);
        assert_eq!(packing(&text(DEFLATE_BYTES_MIN)), Packing::Deflated);
        assert!(deflater.event(SSE, &frame(9, &noise)).bytes.len() <= noise.len() + 30);
    }

    #[tokio::test]
    async fn a_large_event_is_compressed_once_and_only_where_that_was_asked_for() {
        let deflater = Deflater::default();
        let large = [frame(1, &text(70_000)), frame(2, "x")];
        assert!(deflater.must_prepare(SSE, &large) && !deflater.must_prepare(SSE, &large[1..]));

        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (deflater, large) = (deflater.clone(), large.clone());
                tokio::spawn(async move { deflater.prepare(Encoder::Sse(Opening::Id), &large).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }

        assert!(!deflater.must_prepare(SSE, &large));
        let packed = deflater.event(SSE, &large[0]);
        assert_eq!(packed.packing, Packing::Deflated);
        assert_eq!(deflater.kept().order.len(), 1);
        assert_eq!(deflater.event(SSE, &frame(3, &text(70_000))).packing, Packing::Stored);
        assert!(deflater.must_prepare(Encoder::Lines, &large), "another encoding is another text");
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_the_budget_events_are_stored() {
        let deflater = Deflater::within(100_000);
        let packing = |number| deflater.event(SSE, &frame(number, &text(50_000))).packing;
        assert_eq!([1, 2, 3].map(packing), [Packing::Deflated, Packing::Deflated, Packing::Stored]);
        assert_eq!((deflater.0.deflated.get(), deflater.0.skipped.get()), (2, 1));
        let large = [frame(4, &text(70_000))];
        assert!(!deflater.must_prepare(SSE, &large));

        tokio::time::advance(std::time::Duration::from_secs(2)).await;

        assert_eq!([3, 5].map(packing), [Packing::Stored, Packing::Deflated], "what is kept stays as it is");
        assert!(deflater.must_prepare(SSE, &large));
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_newest_stays() {
        let deflater = Deflater::default();
        let stored = |bytes: usize| Packed {
            bytes: Bytes::from(vec![0; bytes]),
            sum: Sum::default(),
            packing: Packing::Stored,
        };
        let add = |number, bytes| drop(deflater.kept().add(Key::of(SSE, &frame(number, "x")), stored(bytes)));
        for number in 0..10 {
            add(number, DEFLATED_BYTES_MAX / 4);
        }
        let sizes = |kept: MutexGuard<'_, Kept>| (kept.order.len(), kept.by_key.len(), kept.bytes);
        assert_eq!(sizes(deflater.kept()), (4, 4, DEFLATED_BYTES_MAX));

        add(10, 2 * DEFLATED_BYTES_MAX);

        assert_eq!(sizes(deflater.kept()), (1, 1, 2 * DEFLATED_BYTES_MAX));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn any_text_is_read_as_it_was(texts in prop::collection::vec(".{0,300}|[ab]{100,3000}", 1..8)) {
            let deflater = Deflater::default();
            let (mut stream, mut sum) = blocks::begin(b"");
            let mut expected = Vec::new();
            for (number, text) in (1..).zip(&texts) {
                let frame = frame(number, text);
                let packed = deflater.event(SSE, &frame);
                stream.extend_from_slice(&packed.bytes);
                sum = sum.then(packed.sum);
                expected.extend_from_slice(&SSE.event(&frame));
            }
            stream.extend_from_slice(&blocks::end(sum, b""));

            let mut read = Vec::new();
            flate2::read::GzDecoder::new(&stream[..]).read_to_end(&mut read).unwrap();
            prop_assert_eq!(read, expected);
        }
    }
}
