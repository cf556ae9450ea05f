//! The decoder over streams of chunks and over bodies.

#![cfg(all(feature = "stream", feature = "http-body"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that hears something else has failed")]

use bytes::{Buf, Bytes};
use futures_util::{FutureExt, Stream, StreamExt, stream};
use http_body_util::{Full, StreamBody};
use tidings_sse::Decoder;
use tidings_sse::decode::{DecodeBody, DecodeError, DecodeStream, Limits, OwnedItem, SourceError};

/// Everything of a stream that is always ready.
fn all<S: Stream>(items: S) -> Vec<S::Item> {
    items.collect::<Vec<_>>().now_or_never().expect("the source is always ready")
}

fn data<E: std::fmt::Debug>(items: Vec<Result<OwnedItem, E>>) -> Vec<String> {
    let data = items.into_iter().map(|item| match item.unwrap() {
        OwnedItem::Event(event) => event.data,
        other => panic!("an event, not {other:?}"),
    });
    data.collect()
}

fn chunks(parts: &[&'static str]) -> impl Stream<Item = Result<Bytes, &'static str>> + use<> {
    stream::iter(parts.iter().map(|part| Ok(Bytes::from_static(part.as_bytes()))).collect::<Vec<_>>())
}

#[test]
fn a_stream_of_chunks_becomes_a_stream_of_items() {
    let chunks = chunks(&["data: 1\n\ndata", "", ": 2\r", "\n\r\n", "data: 3\n\ndata: 4\n\ndata: never"]);

    assert_eq!(data(all(DecodeStream::new(chunks, Decoder::new()))), ["1", "2", "3", "4"]);
}

#[test]
fn an_error_of_the_source_comes_after_the_items_before_it_and_ends_the_stream() {
    let chunks =
        chunks(&["data: 1\n\n"]).chain(stream::iter([Err("cut"), Ok(Bytes::from_static(b"data: 2\n\n"))]));

    let items = all(DecodeStream::new(chunks, Decoder::new()));

    assert!(matches!(items.as_slice(), [Ok(OwnedItem::Event(_)), Err(SourceError::Source("cut"))]));
}

#[test]
fn a_limit_that_is_passed_ends_the_stream_after_the_items_before_it() {
    let limits = Limits { line_bytes_max: 9, ..Limits::default() };
    let chunks = chunks(&["data: 1\n\ndata: too long\n\ndata: 3\n\n", "data: 4\n\n"]);

    let items = all(DecodeStream::new(chunks, Decoder::new().with_limits(limits)));

    let error = SourceError::Decode(DecodeError::LineTooLong { bytes_max: 9 });
    assert_eq!((items.len(), items[1].clone()), (2, Err(error)));
    assert_eq!(error.to_string(), "a line has more than 9 bytes");
}

#[test]
fn a_decoder_goes_from_one_connection_to_the_next() {
    let mut first = DecodeStream::new(chunks(&["id: 1\ndata: 1\n\nid: 2\ndata: lost"]), Decoder::new());
    assert!(first.next().now_or_never().flatten().is_some());
    assert!(first.next().now_or_never().flatten().is_none());
    assert_eq!(first.decoder().last_event_id(), "1");

    let second = DecodeStream::new(chunks(&["data: 2\n\n"]), first.into_decoder());

    let [Ok(OwnedItem::Event(event))] = &all(second)[..] else { panic!("an event") };
    assert_eq!((event.data.as_str(), event.last_event_id.as_str()), ("2", "1"));
}

#[test]
fn a_source_that_waits_makes_the_stream_wait() {
    let chunks = chunks(&["data: 1\n\ndata: "]).chain(stream::pending());
    let mut items = DecodeStream::new(chunks, Decoder::new());

    assert!(items.next().now_or_never().flatten().is_some());
    assert!(items.next().now_or_never().is_none());
}

#[test]
fn a_body_becomes_a_stream_of_items() {
    let body = Full::new(Bytes::from_static(b"data: 1\n\nevent: x\ndata: 2\n\ndata: never"));

    assert_eq!(data(all(DecodeBody::new(body, Decoder::new()))), ["1", "2"]);
}

#[test]
fn trailers_are_passed_over_and_chunks_in_several_pieces_are_read_whole() {
    let pieces = Buf::chain(Bytes::from_static(b"data: he"), Bytes::from_static(b"llo\n\n"));
    let frames =
        [Ok::<_, &str>(http_body::Frame::data(pieces)), Ok(http_body::Frame::trailers(Default::default()))];
    let body = StreamBody::new(stream::iter(frames));

    assert_eq!(data(all(DecodeBody::new(body, Decoder::new()))), ["hello"]);
}

#[test]
fn an_error_of_the_body_ends_the_items() {
    let frames = [Ok(http_body::Frame::data(Bytes::from_static(b"data: 1\n\n"))), Err("cut")];
    let body = StreamBody::new(stream::iter(frames));

    let mut items = DecodeBody::new(body, Decoder::new().with_last_event_id("7"));

    assert!(matches!(items.next().now_or_never(), Some(Some(Ok(_)))));
    assert_eq!(items.next().now_or_never(), Some(Some(Err(SourceError::Source("cut")))));
    assert_eq!(items.next().now_or_never(), Some(None));
    assert_eq!(items.decoder().last_event_id(), "7");
    assert_eq!(items.into_decoder().last_event_id(), "7");
}
