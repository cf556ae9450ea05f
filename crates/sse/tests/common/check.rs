//! What must hold of any bytes whatever. The fuzz targets call these with bytes of their own, the corpus test with
//! those that are kept.

use super::model::model;
use super::{Heard, hear, hear_whole};
use tidings_sse::decode::{Limits, OwnedItem, Report};
use tidings_sse::encode::{Comment, Event};
use tidings_sse::{Decoder, EventId, EventType, Retry};

/// The decoder says what the standard says, lent or owned.
pub(crate) fn decode(bytes: &[u8]) {
    let heard = hear_whole(bytes);

    assert_eq!(heard, model(bytes, ""));
    assert_eq!(owned(bytes), heard.items);
}

/// The items of a stream in two chunks, owned as they come.
fn owned(bytes: &[u8]) -> Vec<OwnedItem> {
    let mut decoder = Decoder::new().with_report(Report::ALL);
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    let mut items = Vec::new();
    for chunk in [head, tail] {
        let mut feed = decoder.feed(chunk);
        items.extend(std::iter::from_fn(|| feed.next_owned().expect("no limit is passed")));
    }
    items
}

/// Neither what comes out, nor when the decoder gives up, depends on how the stream is cut. The first byte chooses
/// limits, the next eight the cuts.
pub(crate) fn chunking(bytes: &[u8]) {
    let Some((&[limit, ref cuts @ ..], stream)) = bytes.split_first_chunk::<9>() else {
        return;
    };
    let limits = match limit {
        0..128 => Limits::default(),
        _ => Limits { line_bytes_max: usize::from(limit % 16), event_bytes_max: usize::from(limit / 16 % 8) },
    };
    let decoder = || Decoder::new().with_limits(limits);
    let whole = hear(decoder(), [stream]);

    assert_eq!(hear(decoder(), chunks(stream, cuts)), whole);
    assert_eq!(hear(decoder(), stream.chunks(1)), whole);
}

/// What is encoded is decoded, and the blocks before and after it are not touched. Line ends in data arrive as LF.
pub(crate) fn roundtrip(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(4, '\u{1}');
    let mut part = || parts.next().unwrap_or_default();
    let (event_type, id, comment, data) = (part(), part(), part(), part());
    let (event_type, id) = (EventType::new(event_type).ok(), EventId::new(id).ok());
    let mut event = Event::new().data(data);
    if let Some(event_type) = &event_type {
        event = event.event_type(event_type);
    }
    if let Some(id) = &id {
        event = event.id(id);
    }
    if bytes.len() % 2 == 1 {
        event = event.retry(Retry::from_ms(bytes.len() as u64));
    }
    check_forms(&event);

    let neighbour = b"data: neighbour\n\n";
    let stream = [neighbour, &*Comment::new(comment).to_vec(), &*event.to_vec(), neighbour].concat();
    let heard = hear_whole(&stream);

    let comments = lines(comment).map(|line| OwnedItem::Comment(line.to_owned()));
    assert_eq!(heard.items[1..].iter().zip(comments).filter(|(heard, sent)| *heard != sent).count(), 0);
    let events: Vec<_> = heard.items.iter().filter_map(event_of).collect();
    let [before, middle, after] = events.as_slice() else {
        unreachable!("three events, not {events:?}");
    };
    assert_eq!((before.data.as_str(), after.data.as_str()), ("neighbour", "neighbour"));
    assert_eq!((&after.event_type, after.id(), after.retry), (&None, None, None));
    assert_eq!(middle.event_type.as_deref(), event_type.as_ref().map(EventType::as_str));
    assert_eq!(middle.id(), id.as_ref().map(EventId::as_str));
    assert_eq!(middle.retry.map(Retry::as_ms), (bytes.len() % 2 == 1).then_some(bytes.len() as u64));
    assert_eq!(middle.data, lines(data).collect::<Vec<_>>().join("\n"));
}

/// A type refuses exactly what would not come back.
pub(crate) fn types(bytes: &[u8]) {
    let text = &*String::from_utf8_lossy(bytes);
    let event = |line: String| match hear_whole(line.as_bytes()) {
        Heard { items, .. } if items.len() == 1 => event_of(&items[0]).cloned(),
        _ => None,
    };

    let arrived = event(format!("event: {text}\ndata\n\n")).and_then(|event| event.event_type);
    match EventType::new(text) {
        Ok(event_type) => assert_eq!(arrived.as_deref(), Some(event_type.as_str())),
        Err(_) => assert_ne!(arrived.as_deref(), Some(text)),
    }
    let arrived = event(format!("id: {text}\ndata\n\n"));
    match EventId::new(text) {
        Ok(id) => assert_eq!(arrived.as_ref().and_then(|event| event.id()), Some(id.as_str())),
        Err(_) => assert_ne!(arrived.as_ref().and_then(|event| event.id()), Some(text)),
    }
    if let Some(retry) = Retry::parse(bytes) {
        let significant = text.trim_start_matches('0');
        assert_eq!(retry.to_string(), if significant.is_empty() { "0" } else { significant });
    }
}

/// Every way to encode gives the same bytes, as many as were announced.
fn check_forms(event: &Event<'_>) {
    let bytes = event.to_vec();
    let mut buffer = bytes::BytesMut::from(&b"before"[..]);
    event.encode(&mut buffer);

    assert_eq!(event.encoded_len(), bytes.len());
    assert_eq!(bytes.capacity(), bytes.len());
    assert_eq!(event.pieces().concat(), bytes);
    assert_eq!(event.to_bytes(), bytes);
    assert_eq!(&buffer[b"before".len()..], bytes);
}

fn event_of(item: &OwnedItem) -> Option<&tidings_sse::decode::OwnedEvent> {
    match item {
        OwnedItem::Event(event) => Some(event),
        OwnedItem::Comment(_) | OwnedItem::Retry(_) | OwnedItem::Id(_) => None,
    }
}

/// The lines of a text as the standard cuts them, by the shortest code that does it.
fn lines(text: &str) -> impl Iterator<Item = String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.split('\n').map(str::to_owned).collect::<Vec<_>>().into_iter()
}

fn chunks<'a>(mut stream: &'a [u8], cuts: &[u8]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    for cut in cuts.iter().cycle().take(4 * stream.len() + 8) {
        let (chunk, rest) = stream.split_at(usize::from(*cut % 24).min(stream.len()));
        chunks.push(chunk);
        stream = rest;
    }
    chunks.push(stream);
    chunks
}
