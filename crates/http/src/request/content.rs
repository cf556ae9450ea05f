//! What the body of a publish is, by its `Content-Type`.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};

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
}

/// The charset of one event's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    Utf8,
    /// What browsers mean by ISO-8859-1, which Java sends by default.
    Windows1252,
}

impl Content {
    /// Any text is data: `curl -d` calls it a form. Anything else would not survive as text.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        // A list, over several lines or in one. RFC 9110, 5.6.1.2: a recipient passes over empty members.
        let lines = headers.get_all(CONTENT_ENCODING).iter();
        let codings =
            lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
        if !codings.filter(|coding| !coding.is_empty()).all(|coding| coding.eq_ignore_ascii_case(b"identity"))
        {
            return Err(unsupported("the body must not be compressed"));
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
        // The table of labels is that of browsers: the Encoding Standard, 4.2. But there ASCII is windows-1252, and whoever
        // writes more than ASCII under its name today means UTF-8, of which it is a part.
        let named = match Encoding::for_label(label.as_bytes()) {
            Some(_) if is_ascii(&label) => Charset::Utf8,
            Some(encoding) if encoding == UTF_8 => Charset::Utf8,
            Some(encoding) if encoding == WINDOWS_1252 => Charset::Windows1252,
            Some(_) | None => return Err(foreign(&label)),
        };
        if charset.is_some_and(|charset| charset != named) {
            return Err(unsupported("the charset of the body is given twice, with two values"));
        }
        charset = Some(named);
    }
    Ok(charset.unwrap_or(Charset::Utf8))
}

fn is_ascii(label: &str) -> bool {
    ["us-ascii", "ascii", "ansi_x3.4-1968"].iter().any(|name| label.trim_ascii().eq_ignore_ascii_case(name))
}

fn foreign(label: &str) -> Problem {
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
            ("text/event-stream; charset=iso-8859-1", Content::Stream),
        ] {
            assert_eq!(content(value), Ok(expected), "{value}");
        }
    }

    #[test]
    fn another_charset_is_refused_by_its_name() {
        let long = "x".repeat(200);
        for (value, label) in [
            ("text/plain; charset=GBK", "GBK"),
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
        assert!(two(CONTENT_ENCODING, ["identity", "gzip"]).is_err());
    }
}
