//! Whether a cache has an answer already: `If-None-Match`.

use http::header::IF_NONE_MATCH;
use http::{HeaderMap, HeaderValue};

/// Whether the list of entity tags has this one. Weak ones count: RFC 9110 section 13.1.2 compares them so here.
pub(crate) fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let lines = headers.get_all(IF_NONE_MATCH).iter();
    let mut tags = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    tags.any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes())
}
