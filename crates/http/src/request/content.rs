//! What the body of a publish is, by its `Content-Type`.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;

/// What a body is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// The data of one event, as it stands.
    Data,
    /// A stream of events.
    Stream,
}

impl Content {
    /// Any text is data: `curl -d` calls it a form. Anything else would not survive as text.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        if headers
            .get(CONTENT_ENCODING)
            .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
        {
            return Err(unsupported("the body must not be compressed"));
        }
        let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(Self::Data) };
        let value = value.to_str().unwrap_or("").to_ascii_lowercase();
        let (essence, parameters) = value.split_once(';').unwrap_or((&value, ""));
        if parameters.split(';').any(is_foreign_charset) {
            return Err(unsupported("the body must be UTF-8"));
        }
        match essence.trim() {
            "text/event-stream" => Ok(Self::Stream),
            "application/json" | "application/xml" | "application/x-www-form-urlencoded" => Ok(Self::Data),
            text if text.starts_with("text/") || text.ends_with("+json") || text.ends_with("+xml") => {
                Ok(Self::Data)
            }
            _ => Err(unsupported("send text, JSON, XML, or text/event-stream")),
        }
    }
}

fn is_foreign_charset(parameter: &str) -> bool {
    let charset = parameter.trim().strip_prefix("charset=").map(|charset| charset.trim_matches('"'));
    charset.is_some_and(|charset| !matches!(charset, "utf-8" | "utf8" | "us-ascii"))
}

fn unsupported(detail: &str) -> Problem {
    Problem::new(ProblemType::UnsupportedMediaType, detail)
}
