//! Errors as servers write them: `application/problem+json`, RFC 9457.

use http::{HeaderMap, header};
use serde::Deserialize;

/// What a server says went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Problem {
    /// A URI that names the kind of problem and stays the same; programs compare it.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The kind of problem, in words.
    pub title: Option<String>,
    /// This very problem, in words, and what to do about it.
    pub detail: Option<String>,
    /// How many events of a batch were published before the problem, if a hub says so.
    pub published: Option<u64>,
    /// Which line of a body it is about, of which the first is 1, if a hub says so.
    pub line: Option<u64>,
}

impl Problem {
    pub(crate) fn parse(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let essence = content_type.split(';').next()?.trim();
        if !essence.eq_ignore_ascii_case("application/problem+json") {
            return None;
        }
        serde_json::from_slice(body).ok()
    }
}
