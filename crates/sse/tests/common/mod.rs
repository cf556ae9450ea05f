//! What the tests share: a decoder run over a stream cut in a given way, a naive model of the standard, and the
//! checks that the fuzz targets make too.

#![allow(dead_code, reason = "each test file uses what it needs")]

pub(crate) mod check;
pub(crate) mod model;

use tidings_sse::Decoder;
use tidings_sse::decode::{DecodeError, OwnedItem, Report};

/// Everything that a stream said, in order, and the id that is left at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) items: Vec<OwnedItem>,
    pub(crate) last_event_id: String,
    pub(crate) error: Option<DecodeError>,
}

/// Decodes chunk after chunk, with everything reported.
pub(crate) fn hear<'a>(decoder: Decoder, chunks: impl IntoIterator<Item = &'a [u8]>) -> Heard {
    let mut decoder = decoder.with_report(Report::ALL);
    let mut items = Vec::new();
    let mut error = None;
    for chunk in chunks {
        if let Err(given_up) = hear_chunk(&mut decoder, chunk, &mut items) {
            error = Some(given_up);
            break;
        }
    }
    Heard { items, last_event_id: decoder.last_event_id().to_owned(), error }
}

/// Decodes a stream in one chunk.
pub(crate) fn hear_whole(stream: &[u8]) -> Heard {
    hear(Decoder::new(), [stream])
}

/// Decodes one chunk, and appends its items to those of the chunks before.
pub(crate) fn hear_chunk(
    decoder: &mut Decoder,
    chunk: &[u8],
    items: &mut Vec<OwnedItem>,
) -> Result<(), DecodeError> {
    let mut feed = decoder.feed(chunk);
    while let Some(item) = feed.next()? {
        items.push(item.to_owned());
    }
    Ok(())
}

/// Bytes up to which a stream is cut at every place. A longer one is at both of its ends, and here and there between.
const EVERY_PLACE_BYTES_MAX: usize = 4_096;

/// Bytes at the ends of a longer stream that are cut at every place, and how many cuts there are between.
const END_BYTES: usize = 16;
const CUTS_BETWEEN: usize = 16;

/// Cuts a stream in every way that is worth a look: whole, in chunks of 1, 2 and 3 bytes, and in two at every place.
pub(crate) fn cuts(stream: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut cuts = vec![vec![stream]];
    cuts.extend([1, 2, 3].map(|size| stream.chunks(size).collect()));
    let is_near_an_end = |at: &usize| *at <= END_BYTES || stream.len() - at <= END_BYTES;
    let is_a_place = |at: &usize| {
        stream.len() <= EVERY_PLACE_BYTES_MAX
            || is_near_an_end(at)
            || at.is_multiple_of(stream.len() / CUTS_BETWEEN)
    };
    let places = (0..=stream.len()).filter(is_a_place);
    cuts.extend(places.map(|at| vec![&stream[..at], &stream[at..]]));
    cuts
}
