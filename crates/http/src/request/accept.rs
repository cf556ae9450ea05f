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

/// Chooses by the `Accept` header, RFC 9110 section 12.5.1. Of two that are accepted with the same quality, that one wins
/// which is covered more specifically: axios and Angular say `application/json, text/plain, */*`, and mean JSON.
pub(crate) fn negotiate(headers: &HeaderMap) -> Result<Representation, Problem> {
    let mut wishes = OFFERS.map(|_| None);
    let mut has_ranges = false;
    for range in ranges(headers) {
        has_ranges = true;
        for (wish, (_, kind, subtype)) in wishes.iter_mut().zip(OFFERS) {
            *wish = range.covers(kind, subtype).max(*wish);
        }
    }
    if !has_ranges {
        return Ok(Representation::Stream(StreamFormat::Sse));
    }
    let mut best: Option<(Representation, Wish)> = None;
    for ((representation, ..), wish) in OFFERS.into_iter().zip(wishes) {
        let Some(wish) = wish.filter(|wish| wish.quality > 0) else { continue };
        let rank = |wish: Wish| (wish.quality, wish.specific);
        if best.is_none_or(|(_, of_best)| rank(wish) > rank(of_best)) {
            best = Some((representation, wish));
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
    let wish = |kind, subtype| ranges(headers).filter_map(|range| range.covers(kind, subtype)).max();
    let plain = wish("text", "plain").map_or(0, |wish| wish.quality);
    wish("application", "openmetrics-text")
        .is_some_and(|own| own.specific == Specific::Type && own.quality > 0 && own.quality >= plain)
}

/// How much of a type a media range names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Specific {
    /// `*/*`.
    Nothing,
    /// `text/*`.
    Kind,
    /// `text/html`.
    Type,
}

/// What the most specific range that covers a type says of it. In order: the more specific range is the greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wish {
    specific: Specific,
    /// In thousandths; at zero the type is excluded.
    quality: u16,
}

/// A media range with its quality in thousandths.
struct MediaRange<'a> {
    kind: &'a str,
    subtype: &'a str,
    quality: u16,
}

impl MediaRange<'_> {
    fn covers(&self, kind: &str, subtype: &str) -> Option<Wish> {
        let specific = match (self.kind, self.subtype) {
            ("*", "*") => Specific::Nothing,
            (own, "*") if own.eq_ignore_ascii_case(kind) => Specific::Kind,
            (own, part) if own.eq_ignore_ascii_case(kind) && part.eq_ignore_ascii_case(subtype) => {
                Specific::Type
            }
            _ => return None,
        };
        Some(Wish { specific, quality: self.quality })
    }
}

/// The ranges of all lines `Accept`, one after the other: a head may hold thousands, and none is kept.
fn ranges(headers: &HeaderMap) -> impl Iterator<Item = MediaRange<'_>> {
    headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(ranges_of)
}

fn ranges_of(value: &str) -> impl Iterator<Item = MediaRange<'_>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(accept: &str) -> Option<Representation> {
        let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
        negotiate(&headers).ok()
    }

    const STREAM: Option<Representation> = Some(Representation::Stream(StreamFormat::Sse));
    const PAGE: Option<Representation> = Some(Representation::Page);
    const HISTORY: Option<Representation> = Some(Representation::History);

    #[test]
    fn browsers_pages_and_programs_get_what_they_mean() {
        let address_bar = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        for (accept, expected) in [
            (address_bar, PAGE),
            ("text/event-stream", STREAM),
            ("Text/Event-Stream; charset=utf-8", STREAM),
            ("application/json", HISTORY),
            ("*/*", STREAM),
            ("text/*", STREAM),
            // MCP.
            ("application/json, text/event-stream", STREAM),
            ("application/json, */*;q=0.1", HISTORY),
            // jQuery.
            ("application/json, text/javascript, */*; q=0.01", HISTORY),
            // Java's HttpURLConnection.
            ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", PAGE),
        ] {
            assert_eq!(negotiated(accept), expected, "{accept}");
        }
        assert_eq!(negotiate(&HeaderMap::new()).ok(), STREAM);
    }

    #[test]
    fn a_type_that_is_named_beats_one_that_a_wildcard_covers_with_the_same_quality() {
        for (accept, expected) in [
            // axios and Angular.
            ("application/json, text/plain, */*", HISTORY),
            ("*/*, APPLICATION/JSON", HISTORY),
            ("application/json;q=1.0,*/*;q=1", HISTORY),
            ("application/json;version=1 , text/*", HISTORY),
            ("*/*, text/html", PAGE),
            ("text/event-stream, */*", STREAM),
            ("text/*, */*", STREAM),
            ("application/*, */*", HISTORY),
            // With another quality, the quality decides.
            ("application/json;q=0.9, */*", STREAM),
            ("application/json;q=0.9, text/html;q=0.8, */*;q=0.1", HISTORY),
            // What is excluded stays so, however it is named.
            ("application/json;q=0, */*", STREAM),
            ("text/event-stream;q=0, application/json;q=0, */*", PAGE),
            ("*/*;q=0, application/json", HISTORY),
        ] {
            assert_eq!(negotiated(accept), expected, "{accept}");
        }
    }

    #[test]
    fn a_client_that_excludes_everything_is_refused() {
        assert_eq!(negotiated("image/png"), None);
        assert_eq!(negotiated("text/event-stream;q=0"), None);
        assert_eq!(negotiated("*/*, text/event-stream;q=0"), Some(Representation::Page));
    }
}
