//! What a GET wants: the stream, a page of history, or the page for people.

use http::HeaderMap;
use http::header::ACCEPT;

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::stream::StreamFormat;

/// One of the things that a URL of events can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Representation {
    /// A stream in a format.
    Stream(StreamFormat),
    Page,
    History,
}

/// What a URL can answer, the better first if a client accepts two of them equally: a client that accepts anything is a
/// program, and gets the stream.
const OFFERS: [(Representation, &str, &str); 3] = [
    (Representation::Stream(StreamFormat::Sse), "text", "event-stream"),
    (Representation::Page, "text", "html"),
    (Representation::History, "application", "json"),
];

/// Chooses by the `Accept` header, RFC 9110 section 12.5.1.
pub(crate) fn negotiate(headers: &HeaderMap) -> Result<Representation, Problem> {
    let ranges = accepted(headers);
    if ranges.is_empty() {
        return Ok(Representation::Stream(StreamFormat::Sse));
    }
    let mut best = None;
    for (representation, kind, subtype) in OFFERS {
        let quality = quality(&ranges, kind, subtype);
        if quality > best.map_or(0, |(_, quality)| quality) {
            best = Some((representation, quality));
        }
    }
    let excluded = || {
        let detail = "this URL answers text/event-stream, text/html or application/json; accept one of them";
        Problem::new(ProblemType::NotAcceptable, detail)
    };
    best.map(|(representation, _)| representation).ok_or_else(excluded)
}

/// Whether a client that asks for metrics names OpenMetrics, and does not like plain text better. A client that accepts
/// anything gets plain text, which people read and every scraper knows.
pub(crate) fn prefers_open_metrics(headers: &HeaderMap) -> bool {
    let (ranges, kind, subtype) = (accepted(headers), "application", "openmetrics-text");
    let names = |range: &MediaRange<'_>| {
        range.kind.eq_ignore_ascii_case(kind) && range.subtype.eq_ignore_ascii_case(subtype)
    };
    let own = quality(&ranges, kind, subtype);
    ranges.iter().any(names) && own > 0 && own >= quality(&ranges, "text", "plain")
}

fn accepted(headers: &HeaderMap) -> Vec<MediaRange<'_>> {
    headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(ranges).collect()
}

/// A media range with its quality in thousandths.
struct MediaRange<'a> {
    kind: &'a str,
    subtype: &'a str,
    quality: u16,
}

fn ranges(value: &str) -> impl Iterator<Item = MediaRange<'_>> {
    value.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        Some(MediaRange { kind, subtype, quality: quality.map_or(1_000, thousandths) })
    })
}

fn thousandths(quality: &str) -> u16 {
    quality.parse::<f32>().map_or(0, |quality| (quality.clamp(0.0, 1.0) * 1_000.0) as u16)
}

/// The quality of the most specific range that covers a type; zero if none does.
fn quality(ranges: &[MediaRange<'_>], kind: &str, subtype: &str) -> u16 {
    let covering = ranges.iter().filter_map(|range| {
        let specific = match (range.kind, range.subtype) {
            ("*", "*") => 0,
            (own, "*") if own.eq_ignore_ascii_case(kind) => 1,
            (own, part) if own.eq_ignore_ascii_case(kind) && part.eq_ignore_ascii_case(subtype) => 2,
            _ => return None,
        };
        Some((specific, range.quality))
    });
    covering.max().map_or(0, |(_, quality)| quality)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(accept: &str) -> Option<Representation> {
        let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
        negotiate(&headers).ok()
    }

    #[test]
    fn browsers_pages_and_programs_get_what_they_mean() {
        let address_bar = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

        assert_eq!(negotiated(address_bar), Some(Representation::Page));
        assert_eq!(negotiated("text/event-stream"), Some(Representation::Stream(StreamFormat::Sse)));
        assert_eq!(
            negotiated("Text/Event-Stream; charset=utf-8"),
            Some(Representation::Stream(StreamFormat::Sse))
        );
        assert_eq!(negotiated("application/json"), Some(Representation::History));
        assert_eq!(negotiated("*/*"), Some(Representation::Stream(StreamFormat::Sse)));
        assert_eq!(
            negotiated("application/json, text/plain, */*"),
            Some(Representation::Stream(StreamFormat::Sse))
        );
        assert_eq!(negotiated("application/json, */*;q=0.1"), Some(Representation::History));
        assert_eq!(negotiated("text/*"), Some(Representation::Stream(StreamFormat::Sse)));
        assert_eq!(negotiate(&HeaderMap::new()).ok(), Some(Representation::Stream(StreamFormat::Sse)));
    }

    #[test]
    fn a_client_that_excludes_everything_is_refused() {
        assert_eq!(negotiated("image/png"), None);
        assert_eq!(negotiated("text/event-stream;q=0"), None);
        assert_eq!(negotiated("*/*, text/event-stream;q=0"), Some(Representation::Page));
    }
}
