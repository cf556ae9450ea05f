//! What the body of a publish is, by its `Content-Type`.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::access::shown::shown;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::limits::CHARSET_SHOWN_CHARS_MAX;

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// The data of one event, as it stands.
    Data(Charset),
    /// A stream of events. It is UTF-8 whatever the charset says, as the standard has it.
    Stream,
    /// Lines of JSON, which are UTF-8 whatever the charset says.
    Lines,
}

/// The charset of one event's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    Utf8,
    /// What browsers mean by ISO-8859-1, which Java sends by default.
    Windows1252,
    /// Another one of which ASCII is a part. The hub takes nothing else of it.
    Ascii(&'static Encoding),
}

impl Content {
    /// Any text is data: `curl -d` calls it a form. Anything else would not survive as text.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        // A list, over several lines or in one. RFC 9110, 5.6.1.2: a recipient passes over empty members.
        let lines = headers.get_all(CONTENT_ENCODING).iter();
        let codings =
            lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
        let mut others =
            codings.filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"));
        if let Some(coding) = others.next() {
            return Err(unsupported(format!(
                "the content-encoding of the body is `{}`, and the hub takes none; send the body as it is",
                shown(coding)
            )));
        }
        let Some(value) = only(headers, CONTENT_TYPE)? else { return Ok(Self::Data(Charset::Utf8)) };
        let value = value.to_str().unwrap_or("");
        if is_list(value) {
            return Err(unsupported("the header content-type is a list, and may have one media type"));
        }
        let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
        let charset = charset(parameters)?;
        match &*essence.trim().to_ascii_lowercase() {
            "text/event-stream" => Ok(Self::Stream),
            "application/json" | "application/xml" | "application/x-www-form-urlencoded" => {
                Ok(Self::Data(charset))
            }
            text if text.starts_with("text/") || text.ends_with("+json") || text.ends_with("+xml") => {
                Ok(Self::Data(charset))
            }
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines" => Ok(Self::Lines),
            "application/json-seq" => Err(unsupported(
                "the body is `application/json-seq`, many values in one; send each as an event of its own, or send lines of JSON as \
                 application/x-ndjson to `POST /events`",
            )),
            _ => Err(unsupported("send text, JSON, XML, or text/event-stream")),
        }
    }
}

/// The value of a header that may be given once, or several times with the same value.
fn only(headers: &HeaderMap, name: HeaderName) -> Result<Option<&HeaderValue>, Problem> {
    let mut values = headers.get_all(&name).iter();
    let value = values.next();
    if values.any(|other| Some(other) != value) {
        return Err(unsupported(format!("the header {name} is given twice, with two values")));
    }
    Ok(value)
}

/// Whether a comma stands outside of quotes. A program on the way that finds two lines may make one of them.
fn is_list(value: &str) -> bool {
    let mut characters = value.chars();
    let mut is_quoted = false;
    while let Some(character) = characters.next() {
        match character {
            '"' => is_quoted = !is_quoted,
            '\\' if is_quoted => drop(characters.next()),
            ',' if !is_quoted => return true,
            _ => {}
        }
    }
    false
}

/// The charset among the parameters of a media type; UTF-8 if there is none.
fn charset(parameters: &str) -> Result<Charset, Problem> {
    let mut charset = None;
    for (name, label) in Parameters(parameters) {
        if !name.eq_ignore_ascii_case("charset") {
            continue;
        }
        let named = named(&label).ok_or_else(|| foreign(&label))?;
        if charset.is_some_and(|charset| charset != named) {
            return Err(unsupported("the charset of the body is given twice, with two values"));
        }
        charset = Some(named);
    }
    Ok(charset.unwrap_or(Charset::Utf8))
}

/// The charset of a label. The table of labels is that of browsers, the Encoding Standard, 4.2; Python and others write the
/// same ones with other signs between their parts, such as `Latin-1` and `utf_8`.
fn named(label: &str) -> Option<Charset> {
    let bare: String = label.trim_ascii().chars().filter(|c| !matches!(c, '-' | '_' | ' ')).collect();
    match &*bare.to_ascii_lowercase() {
        // In the standard ASCII is windows-1252. Programs that write more than ASCII under its name today mean UTF-8.
        "ascii" | "usascii" | "646" | "iso646us" | "isoir6" | "ansix3.41968" | "csascii" => {
            return Some(Charset::Utf8);
        }
        // Python's UTF-8 with a byte order mark, and Windows' number for UTF-8.
        "utf8sig" | "utf8bom" | "cp65001" => return Some(Charset::Utf8),
        _ => {}
    }
    let dashed = label.replace('_', "-");
    let encoding = [label, &dashed, &bare].iter().find_map(|label| Encoding::for_label(label.as_bytes()))?;
    match encoding {
        encoding if encoding == UTF_8 => Some(Charset::Utf8),
        encoding if encoding == WINDOWS_1252 => Some(Charset::Windows1252),
        encoding if encoding.is_ascii_compatible() => Some(Charset::Ascii(encoding)),
        _ => None,
    }
}

/// The refusal of a charset by its name.
pub(super) fn foreign(label: &str) -> Problem {
    // What came from outside goes back bounded, and escaped by JSON.
    let label: String = label.chars().take(CHARSET_SHOWN_CHARS_MAX).collect();
    unsupported(format!(
        "the charset of the body is `{label}`, and the hub takes UTF-8, US-ASCII, ISO-8859-1 and windows-1252; send it as UTF-8"
    ))
}

/// The parameters of a media type, RFC 9110 section 5.6.6, names as they are and values without quotes. What is none is
/// passed over, as browsers do.
struct Parameters<'a>(&'a str);

impl<'a> Iterator for Parameters<'a> {
    type Item = (&'a str, String);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.0 = self.0.trim_start_matches([';', ' ', '\t']);
            if self.0.is_empty() {
                return None;
            }
            let end = self.0.find([';', '=']).unwrap_or(self.0.len());
            let (name, rest) = self.0.split_at(end);
            let Some(rest) = rest.strip_prefix('=') else {
                self.0 = rest;
                continue;
            };
            let (value, rest) = match rest.strip_prefix('"') {
                Some(quoted) => unquoted(quoted),
                None => {
                    let (value, rest) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
                    (value.trim().to_owned(), rest)
                }
            };
            self.0 = rest;
            return Some((name.trim(), value));
        }
    }
}

/// The text up to the closing quote, and what comes after it.
fn unquoted(quoted: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, quoted[at + 1..].split_once(';').map_or("", |(_, rest)| rest)),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (value, "")
}

fn unsupported(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemType::UnsupportedMediaType, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(value: &str) -> Result<Content, Problem> {
        Content::of(&HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())]))
    }

    #[test]
    fn the_charset_is_read_however_it_is_written() {
        const UTF8: Content = Content::Data(Charset::Utf8);
        const LATIN: Content = Content::Data(Charset::Windows1252);
        for (value, expected) in [
            ("text/plain", UTF8),
            ("text/plain;", UTF8),
            ("text/plain; charset=UTF-8", UTF8),
            ("TEXT/PLAIN ;CharSet=\"utf-8\" ; format=flowed", UTF8),
            ("application/json;charset=utf8", UTF8),
            ("text/plain;charset=ISO-8859-1", LATIN),
            ("text/plain; format=\"a;charset=gbk\\\"\"; charset=latin1", LATIN),
            ("text/plain; charset=us-ascii", UTF8),
            ("text/plain; charset=ASCII", UTF8),
            ("text/plain; charset=\" ANSI_X3.4-1968 \"", UTF8),
            ("text/plain; charset=us-ascii; charset=utf-8", UTF8),
            ("text/plain; title=\"a, b\\\", c\"; charset=latin1", LATIN),
            ("text/plain; charset=\"Windows\\-1252\"", LATIN),
            ("text/plain; charset", UTF8),
            ("text/plain; xcharset=gbk", UTF8),
            ("text/plain; charset=utf-8; charset=\"UTF8\"", UTF8),
            ("text/plain; charset=Latin-1", LATIN),
            ("text/plain; charset=latin_1", LATIN),
            ("text/plain; charset=windows_1252", LATIN),
            ("text/plain; charset=CP1252", LATIN),
            ("text/plain; charset=iso8859_1", LATIN),
            ("text/plain; charset=utf_8", UTF8),
            ("text/plain; charset=UTF-8-SIG", UTF8),
            ("text/plain; charset=\"utf 8\"", UTF8),
            ("text/plain; charset=646", UTF8),
            ("text/plain; charset=US_ASCII", UTF8),
            ("text/plain; charset=ISO-8859-15", Content::Data(Charset::Ascii(encoding_rs::ISO_8859_15))),
            ("text/plain; charset=iso8859_15", Content::Data(Charset::Ascii(encoding_rs::ISO_8859_15))),
            ("text/plain; charset=windows-1251", Content::Data(Charset::Ascii(encoding_rs::WINDOWS_1251))),
            ("text/plain; charset=GB2312", Content::Data(Charset::Ascii(encoding_rs::GBK))),
            ("text/plain; charset=Shift_JIS", Content::Data(Charset::Ascii(encoding_rs::SHIFT_JIS))),
            ("text/event-stream; charset=iso-8859-1", Content::Stream),
            ("text/event-stream; charset=windows-1251", Content::Stream),
        ] {
            assert_eq!(content(value), Ok(expected), "{value}");
        }
    }

    #[test]
    fn another_charset_is_refused_by_its_name() {
        let long = "x".repeat(200);
        for (value, label) in [
            ("text/plain; charset=ISO-2022-JP", "ISO-2022-JP"),
            ("text/plain; charset=UTF-7", "UTF-7"),
            ("text/plain; charset=utf-32", "utf-32"),
            ("text/plain; charset=none", "none"),
            ("text/plain; charset=_", "_"),
            ("text/event-stream; charset=\"utf-16\"", "utf-16"),
            ("application/json;charset=UTF-16LE", "UTF-16LE"),
            ("text/plain; charset=", ""),
            ("text/plain; charset='utf-8'", "'utf-8'"),
            (&format!("text/plain; charset={long}"), &long[..CHARSET_SHOWN_CHARS_MAX]),
        ] {
            assert_eq!(content(value), Err(foreign(label)), "{value}");
        }
        assert!(content("text/plain; charset=utf-8; charset=latin1").is_err());
    }

    #[test]
    fn two_types_or_a_second_coding_are_refused() {
        let two = |name: HeaderName, values: [&'static str; 2]| {
            let values = values.map(|value| (name.clone(), HeaderValue::from_static(value)));
            Content::of(&HeaderMap::from_iter(values))
        };
        assert!(two(CONTENT_TYPE, ["text/plain", "text/event-stream"]).is_err());
        assert_eq!(two(CONTENT_TYPE, ["text/event-stream"; 2]), Ok(Content::Stream));
        for list in [
            "text/event-stream, text/event-stream",
            "text/event-stream,text/plain",
            "text/plain; format=flowed, text/event-stream",
            "application/json,",
            "text/plain; title=\"a\", text/event-stream; title=\"b\"",
        ] {
            assert!(content(list).is_err(), "{list}");
        }
        assert_eq!(two(CONTENT_ENCODING, ["identity", ""]), Ok(Content::Data(Charset::Utf8)));
        let refused = two(CONTENT_ENCODING, ["identity", "aws-chunked, gzip"]);
        let detail = "the content-encoding of the body is `aws-chunked`, and the hub takes none; send the body as it is";
        assert_eq!(refused, Err(unsupported(detail)));
    }

    #[test]
    fn many_values_in_one_body_are_told_how_to_be_sent() {
        for kind in
            ["application/x-ndjson", "application/jsonl; charset=utf-8", "APPLICATION/NDJSON;charset=latin1"]
        {
            assert_eq!(content(kind), Ok(Content::Lines), "{kind}");
        }
        let refused = format!("{:?}", content("application/json-seq"));
        assert!(refused.contains("send each as an event of its own"), "{refused}");
    }
}
