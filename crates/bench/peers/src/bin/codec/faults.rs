//! That what the crate's README says of other crates is still true of the versions measured here. A test that fails
//! is good news for somebody, and a line to take out of the table.

use std::convert::Infallible;
use std::panic::catch_unwind;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::{Stream, stream};

fn all<S: Stream>(items: S) -> Vec<S::Item> {
    let mut items = pin!(items);
    let mut all = Vec::new();
    while let Poll::Ready(Some(item)) = items.as_mut().poll_next(&mut Context::from_waker(Waker::noop())) {
        all.push(item);
    }
    all
}

fn chunks(chunks: &[&'static [u8]]) -> impl Stream<Item = Result<Bytes, Infallible>> + Unpin + use<> {
    stream::iter(chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk))).collect::<Vec<_>>())
}

fn sse_codec_decode(bytes: &[u8]) -> Result<Vec<sse_codec::Event>, String> {
    use futures_codec::{BytesMut, Decoder};
    let mut buffer = BytesMut::from(bytes);
    let mut codec = sse_codec::SSECodec::default();
    let mut events = Vec::new();
    while let Some(event) = codec.decode(&mut buffer).map_err(|error| error.to_string())? {
        events.push(event);
    }
    Ok(events)
}

#[test]
fn eventsource_stream_panics_on_a_byte_order_mark() {
    let decode = || all(eventsource_stream::EventStream::new(chunks(&[b"\xEF\xBB\xBFdata: x\n\n"]))).len();
    assert!(catch_unwind(decode).is_err());
}

#[test]
fn eventsource_stream_fails_on_text_that_is_not_utf_8() {
    let events = all(eventsource_stream::EventStream::new(chunks(&[b"data: \xFF\n\n"])));
    assert!(events.iter().any(Result::is_err));
}

#[test]
fn eventsource_stream_waits_after_a_lone_cr() {
    let waiting = futures_util::StreamExt::chain(chunks(&[b"data: x\r\r"]), stream::pending());
    assert_eq!(all(eventsource_stream::EventStream::new(waiting)).len(), 0);
}

#[test]
fn eventsource_stream_takes_a_sign_for_a_number() {
    let events = all(eventsource_stream::EventStream::new(chunks(&[b"retry: +5\ndata: x\n\n"])));
    assert!(events[0].as_ref().unwrap().retry.is_some());
}

#[test]
fn sse_stream_fails_on_text_that_is_not_utf_8() {
    assert!(all(sse_stream::SseByteStream::new(chunks(&[b"data: \xFF\n\n"]))).iter().any(Result::is_err));
}

#[test]
fn sse_codec_fails_on_text_that_is_not_utf_8() {
    assert!(sse_codec_decode(b"data: \xFF\n\n").is_err());
}

#[test]
fn sse_codec_ignores_a_retry_behind_a_space() {
    assert_eq!(sse_codec_decode(b"retry: 3000\n\n"), Ok(vec![]));
}

#[test]
fn sse_codec_ignores_a_type_without_colon() {
    let Ok(events) = sse_codec_decode(b"event: a\nevent\ndata: x\n\n") else { panic!("an event") };
    assert!(matches!(&events[0], sse_codec::Event::Message { event, .. } if event == "a"));
}

#[test]
fn sse_codec_lets_a_type_out_that_has_a_line_end_in_it() {
    let event = sse_codec::Event::message("a\ndata: pwned", "x", None);
    assert!(event.to_string().contains("\ndata: pwned\n"));
}

#[test]
fn sse_codec_loses_a_line_end_at_the_end_of_data() {
    let [one, two] = ["x", "x\n"].map(|data| sse_codec::Event::message("a", data, None).to_string());
    assert_eq!(one, two);
}
