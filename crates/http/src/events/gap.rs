//! The header `Tidings-Gap`, which tells a gap before the body does.

use http::{HeaderName, HeaderValue};
use tidings_core::Gap;

pub(crate) const GAP: HeaderName = HeaderName::from_static("tidings-gap");

/// Nothing in it is the client's.
pub(crate) fn gap_header(gap: &Gap) -> HeaderValue {
    let text = format!("{}; resumes-after={}", gap.lost.as_str(), gap.resumes_after);
    HeaderValue::from_str(&text).expect("a reason and a cursor are visible ASCII")
}
