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
const OFFERS: [(Representation, &str, &str); 6] = [
    (Representation::Stream(StreamFormat::Sse), "text", "event-stream"),
    (Representation::Page, "text", "html"),
    (Representation::History, "application", "json"),
    (Representation::Stream(StreamFormat::Lines), "application", "x-ndjson"),
    // None of the names is registered, and programs use all three.
    (Representation::Stream(StreamFormat::Lines), "application", "ndjson"),
    (Representation::Stream(StreamFormat::Lines), "application", "jsonl"),
];

/// Chooses by the `Accept` header, RFC 9110 section 12.5.1. Of two that are accepted with the same quality, that one wins
/// which is covered more specifically: axios and Angular say `application/json, text/plain, */*`, and mean JSON.
pub(crate) fn negotiate(headers: &HeaderMap) -> Result<Representation, Problem> {
    let mut wishes = OFFERS.map(|_| None);
    let mut named = Named::default();
    for range in ranges(headers) {
        named.note(&range);
        for (wish, (representation, kind, subtype)) in wishes.iter_mut().zip(OFFERS) {
            let is_history = representation == Representation::History;
            let of_a_kind_of_json = is_history.then(|| range.covers_json()).flatten();
            *wish = range.covers(kind, subtype).or(of_a_kind_of_json).max(*wish);
        }
    }
    if !named.anything || named.is_default_of_java() {
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
        let detail = "this URL answers text/event-stream, text/html, application/json or application/x-ndjson; accept one of them";
        Problem::new(ProblemType::NotAcceptable, detail)
    };
    best.map(|(representation, _)| representation).ok_or_else(excluded)
}

/// What a client has named, as far as it tells one that has chosen nothing.
#[derive(Default)]
struct Named {
    anything: bool,
    html: bool,
    gif: bool,
    jpeg: bool,
    other: bool,
}

impl Named {
    fn note(&mut self, range: &MediaRange<'_>) {
        self.anything = true;
        let is = |kind: &str, subtype: &str| {
            range.kind.eq_ignore_ascii_case(kind) && range.subtype.eq_ignore_ascii_case(subtype)
        };
        if is("text", "html") {
            self.html = true;
        } else if is("image", "gif") {
            self.gif = true;
        } else if is("image", "jpeg") {
            self.jpeg = true;
        } else if !is("*", "*") {
            self.other = true;
        }
    }

    /// Java's `HttpURLConnection` says `text/html, image/gif, image/jpeg, */*; q=0.2` for programs that have said nothing, and
    /// older versions write a `*` beside it. No browser accepts pages without XHTML.
    fn is_default_of_java(&self) -> bool {
        self.html && self.gif && self.jpeg && !self.other
    }
}

/// Whether a client that asks for metrics names OpenMetrics, and does not like plain text better. A client that accepts
/// anything gets plain text, which people read and every scraper knows.
pub(crate) fn prefers_open_metrics(headers: &HeaderMap) -> bool {
    prefers_to_text(headers, ("application", "openmetrics-text"))
}

/// Whether a client names JSON, and does not like plain text better.
pub(crate) fn prefers_json(headers: &HeaderMap) -> bool {
    prefers_to_text(headers, ("application", "json"))
}

fn prefers_to_text(headers: &HeaderMap, (kind, subtype): (&str, &str)) -> bool {
    let wish = |kind, subtype| ranges(headers).filter_map(|range| range.covers(kind, subtype)).max();
    let plain = wish("text", "plain").map_or(0, |wish| wish.quality);
    wish(kind, subtype)
        .is_some_and(|own| own.specific == Specific::Type && own.quality > 0 && own.quality >= plain)
}

/// How much of a type a media range names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Specific {
    /// `*/*`.
    Nothing,
    /// `text/*`.
    Kind,
    /// `application/*+json`, `application/vnd.api+json`, and for JSON `text/json`.
    Suffix,
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

    /// What it says of JSON if it names a kind of JSON, or all: who asks for one of these reads JSON. RFC 6839, 3.1: `+json` says
    /// that the content can be read as JSON.
    fn covers_json(&self) -> Option<Wish> {
        let ends_in_json = |text: &str| {
            let suffix = text.len().checked_sub("+json".len()).and_then(|at| text.get(at..));
            suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("+json"))
        };
        let is_application = self.kind.eq_ignore_ascii_case("application");
        let is_text = self.kind.eq_ignore_ascii_case("text");
        let is_json = is_application && ends_in_json(self.subtype)
            || is_text && self.subtype.eq_ignore_ascii_case("json");
        is_json.then_some(Wish { specific: Specific::Suffix, quality: self.quality })
    }
}

/// The ranges of all lines `Accept`, one after the other: a head may hold thousands, and none is kept. What is none is passed
/// over.
fn ranges(headers: &HeaderMap) -> impl Iterator<Item = MediaRange<'_>> {
    let members = headers.get_all(ACCEPT).iter().flat_map(|line| divided(line.as_bytes(), b','));
    members.filter_map(|member| MediaRange::parse(std::str::from_utf8(member).ok()?))
}

impl<'a> MediaRange<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts =
            divided(text.as_bytes(), b';').filter_map(|part| std::str::from_utf8(part).ok()).map(str::trim);
        let (kind, subtype) = match parts.next()? {
            // No media range, but Java's `HttpURLConnection` writes it.
            "*" => ("*", "*"),
            range => range.split_once('/')?,
        };
        let weight = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
        });
        // A weight that cannot be read excludes nothing: the client has named the type because it wants it.
        Some(Self { kind, subtype, quality: weight.and_then(thousandths).unwrap_or(1_000) })
    }
}

/// The parts of a value between separators, but for those in quotes: a parameter such as `profile="a,b"` may have them.
pub(super) fn divided(value: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    value.split(move |byte| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match byte {
            _ if was_escaped => false,
            b'\\' if is_quoted => {
                is_escaped = true;
                false
            }
            b'"' => {
                is_quoted = !is_quoted;
                false
            }
            byte => *byte == separator && !is_quoted,
        }
    })
}

/// RFC 9110, 12.4.2: from 0 to 1, with at most three digits behind the point. Java leaves the 0 before it out.
pub(super) fn thousandths(weight: &str) -> Option<u16> {
    let is_decimal = weight.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let weight: f32 = weight.parse().ok().filter(|_| is_decimal)?;
    Some((weight.min(1.0) * 1_000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(accept: &str) -> Option<Representation> {
        let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
        negotiate(&headers).ok()
    }

    const STREAM: Option<Representation> = Some(Representation::Stream(StreamFormat::Sse));
    const LINES: Option<Representation> = Some(Representation::Stream(StreamFormat::Lines));
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
        ] {
            assert_eq!(negotiated(accept), expected, "{accept}");
        }
        assert_eq!(negotiate(&HeaderMap::new()).ok(), STREAM);
    }

    /// What clients send whose programs have not chosen, and what libraries send for those that have.
    #[test]
    fn each_client_gets_what_its_default_means() {
        for (client, accept, expected) in [
            (
                "curl, wget, requests, httpx, node, axios' stream, Ruby, PowerShell, Postman, fetch, script",
                "*/*",
                STREAM,
            ),
            ("Java HttpURLConnection", "text/html, image/gif, image/jpeg, */*; q=0.2", STREAM),
            ("the same of older versions", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", STREAM),
            ("axios, Angular", "application/json, text/plain, */*", HISTORY),
            ("jQuery for JSON", "application/json, text/javascript, */*; q=0.01", HISTORY),
            ("jQuery for HTML", "text/html, */*; q=0.01", PAGE),
            ("Spring RestTemplate", "application/json, application/*+json", HISTORY),
            ("HTTPie with JSON", "application/json, */*;q=0.5", HISTORY),
            ("R httr", "application/json, text/xml, application/xml, */*", HISTORY),
            ("Ember and other JSON:API", "application/vnd.api+json", HISTORY),
            ("GraphQL", "application/graphql-response+json, application/json;q=0.9", HISTORY),
            ("old Microsoft", "text/json", HISTORY),
            (".NET Refit", "application/json, text/json, text/x-json", HISTORY),
            ("EventSource, OkHttp SSE, sseclient", "text/event-stream", STREAM),
            ("MCP", "application/json, text/event-stream", STREAM),
            ("LaunchDarkly", "text/event-stream, */*;q=0.1", STREAM),
            ("Firefox", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", PAGE),
            (
                "Chromium",
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,\
                 application/signed-exchange;v=b3;q=0.7",
                PAGE,
            ),
            (
                "a browser that names images",
                "text/html, application/xhtml+xml, image/gif, image/jpeg, */*;q=0.1",
                PAGE,
            ),
            ("Lynx", "text/html, text/plain, text/sgml, text/css, application/xhtml+xml, */*;q=0.01", PAGE),
            (
                "an image of Chromium",
                "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
                STREAM,
            ),
            ("a style", "text/css,*/*;q=0.1", STREAM),
            ("Turbo", "text/vnd.turbo-stream.html, text/html, application/xhtml+xml", PAGE),
            ("programs that read lines", "application/x-ndjson", LINES),
            ("the same by another name", "application/jsonl, application/ndjson;q=0.9", LINES),
            (
                "programs that like lines better than JSON",
                "application/x-ndjson, application/json;q=0.5",
                LINES,
            ),
            ("programs that read any JSON", "application/json, application/x-ndjson;q=0.9", HISTORY),
        ] {
            assert_eq!(negotiated(accept), expected, "{client}: {accept}");
        }
    }

    #[test]
    fn ranges_are_read_however_they_are_written() {
        let many = "image/png;q=0.9, ".repeat(3_000) + "application/json";
        for (accept, expected) in [
            ("TEXT/JSON", HISTORY),
            ("Application/*+JSON", HISTORY),
            ("application/vnd.x+json;q=0.5, text/event-stream;q=0.4", HISTORY),
            ("application/vnd.x+json, text/event-stream", STREAM),
            ("application/vnd.x+json;q=0, */*", STREAM),
            // The type itself says more than another kind of JSON.
            ("application/json;q=0, application/*+json", None),
            ("image/svg+xml", None),
            ("image/x+json", None),
            ("application/json5", None),
            ("text/event-stream ; Q = 0.5 , application/json ;q=0.6", HISTORY),
            ("application/json;profile=\"a,text/event-stream;q=0\";q=0.9, text/event-stream;q=0.8", HISTORY),
            ("application/json;x=\"\\\",\";q=0.1, text/event-stream;q=0.2", STREAM),
            ("application/json;q=.5, text/html;q=.4", HISTORY),
            ("application/json;q=0.001, text/html;q=0", HISTORY),
            ("application/json;q=0.000", None),
            ("application/json;q=0., text/html;q=0.1", PAGE),
            // A weight that is none is as good as left out.
            ("application/json;q=, text/html;q=0.9", HISTORY),
            ("application/json;q=high, text/html;q=0.9", HISTORY),
            ("application/json;q=-1, text/html;q=0.9", HISTORY),
            ("application/json;q=NaN, text/html;q=0.9", HISTORY),
            ("application/json;q=7, text/html", PAGE),
            ("text/event-stream;q=0, */*", PAGE),
            ("*", STREAM),
            ("", STREAM),
            (" , ,", STREAM),
            ("json", STREAM),
            (many.as_str(), HISTORY),
        ] {
            assert_eq!(negotiated(accept), expected, "{}", &accept[..accept.len().min(100)]);
        }
        let line = |bytes: &[u8]| (ACCEPT, http::HeaderValue::from_bytes(bytes).unwrap());
        let lines = HeaderMap::from_iter([line(b"text/caf\xc3\xa9, \xff/x"), line(b"application/json")]);
        assert_eq!(negotiate(&lines).ok(), HISTORY);
        assert_eq!(negotiate(&HeaderMap::from_iter([line(b"\xff, application/json")])).ok(), HISTORY);
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
