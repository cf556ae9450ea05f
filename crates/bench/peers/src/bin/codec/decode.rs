//! The decoders.

use std::convert::Infallible;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::{Stream, stream};
use tidings_sse::Decoder;
use tidings_sse::decode::{DecodeStream, Item, OwnedItem};

use crate::contender::Contender;
use crate::inputs::Input;

pub const CONTENDERS: &[Contender] = &[
    ("tidings-sse", tidings),
    ("tidings-sse owned", tidings_owned),
    ("tidings-sse stream", tidings_stream),
    ("sse-parse 0.1.0", sse_parse),
    ("sse-core 0.2.3", sse_core),
    ("sse-stream 0.3.0", sse_stream),
    ("sseer 0.3.1", sseer),
    ("sse-codec 0.3.3", sse_codec),
    ("eventsource-stream 0.2.3", eventsource_stream),
    ("limit: memchr, LF", limit_memchr),
    ("limit: memchr2, LF and CR", limit_memchr2),
    ("limit: memchr, nothing found", limit_memchr_absent),
];

fn tidings(input: &Input) -> (usize, usize) {
    let mut decoder = Decoder::new();
    let mut sum = (0, 0);
    for chunk in &input.chunks {
        let mut feed = decoder.feed(chunk);
        while let Some(item) = feed.next().unwrap() {
            if let Item::Event(event) = black_box(&item) {
                sum = (sum.0 + 1, sum.1 + event.data.len());
            }
        }
    }
    sum
}

fn tidings_owned(input: &Input) -> (usize, usize) {
    let mut decoder = Decoder::new();
    let mut sum = (0, 0);
    for chunk in &input.chunks {
        let mut feed = decoder.feed(chunk);
        while let Some(item) = feed.next_owned().unwrap() {
            if let OwnedItem::Event(event) = black_box(&item) {
                sum = (sum.0 + 1, sum.1 + event.data.len());
            }
        }
    }
    sum
}

fn tidings_stream(input: &Input) -> (usize, usize) {
    drain(DecodeStream::new(source(input), Decoder::new()), |item| match item.as_ref().unwrap() {
        OwnedItem::Event(event) => Some(event.data.len()),
        _ => None,
    })
}

fn sse_parse(input: &Input) -> (usize, usize) {
    let mut parser = sse_parse::SseParser::new();
    let mut sum = (0, 0);
    for chunk in &input.chunks {
        parser.feed(chunk);
        while let Some(event) = parser.next_event() {
            let event = black_box(&event);
            sum = (sum.0 + 1, sum.1 + event.data.len());
        }
    }
    sum
}

fn sse_core(input: &Input) -> (usize, usize) {
    let mut decoder = sse_core::SseDecoder::new();
    let mut sum = (0, 0);
    for chunk in &input.chunks {
        let mut rest = &chunk[..];
        while let Some(event) = decoder.next(&mut rest) {
            if let sse_core::SseEvent::Message(event) = black_box(&event.unwrap()) {
                sum = (sum.0 + 1, sum.1 + event.data.len());
            }
        }
    }
    sum
}

fn sse_stream(input: &Input) -> (usize, usize) {
    drain(sse_stream::SseByteStream::new(source(input)), |event| {
        event.as_ref().unwrap().data.as_ref().map(|data| data.len())
    })
}

fn sseer(input: &Input) -> (usize, usize) {
    drain(sseer::event_stream::EventStream::new(source(input)), |event| {
        Some(event.as_ref().unwrap().data.len())
    })
}

fn sse_codec(input: &Input) -> (usize, usize) {
    use futures_codec::{BytesMut, Decoder};
    let mut codec = sse_codec::SSECodec::default();
    let mut buffer = BytesMut::new();
    let mut sum = (0, 0);
    for chunk in &input.chunks {
        buffer.extend_from_slice(chunk);
        while let Some(event) = codec.decode(&mut buffer).unwrap() {
            if let sse_codec::Event::Message { data, .. } = black_box(&event) {
                sum = (sum.0 + 1, sum.1 + data.len());
            }
        }
    }
    sum
}

fn eventsource_stream(input: &Input) -> (usize, usize) {
    drain(eventsource_stream::EventStream::new(source(input)), |event| {
        Some(event.as_ref().unwrap().data.len())
    })
}

fn limit_memchr(input: &Input) -> (usize, usize) {
    let count = |chunk: &Bytes| memchr::memchr_iter(b'\n', chunk).map(black_box).count();
    (input.chunks.iter().map(count).sum(), 0)
}

fn limit_memchr2(input: &Input) -> (usize, usize) {
    let count = |chunk: &Bytes| memchr::memchr2_iter(b'\n', b'\r', chunk).map(black_box).count();
    (input.chunks.iter().map(count).sum(), 0)
}

fn limit_memchr_absent(input: &Input) -> (usize, usize) {
    (input.chunks.iter().filter(|chunk| black_box(memchr::memchr(1, chunk)).is_some()).count(), 0)
}

fn source(input: &Input) -> impl Stream<Item = Result<Bytes, Infallible>> + Unpin {
    stream::iter(input.chunks.iter().map(|chunk| Ok(chunk.clone())))
}

/// Polls to the end. The source is always ready, so no waker is ever used.
fn drain<S: Stream>(items: S, data_bytes: impl Fn(&S::Item) -> Option<usize>) -> (usize, usize) {
    let mut items = pin!(items);
    let mut context = Context::from_waker(Waker::noop());
    let mut sum = (0, 0);
    while let Poll::Ready(Some(item)) = items.as_mut().poll_next(&mut context) {
        if let Some(bytes) = data_bytes(black_box(&item)) {
            sum = (sum.0 + 1, sum.1 + bytes);
        }
    }
    sum
}
