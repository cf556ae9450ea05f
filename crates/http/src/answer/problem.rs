//! What a client is told when something is refused: `application/problem+json`, RFC 9457.
//!
//! The type is stable, for programs; the detail is a sentence that says what to do, for people. Neither shows the
//! hub's insides.
//!
//! The types are `urn:tidings:problem:` and one of these:
//!
//! | status | last part of the type |
//! |---|---|
//! | 400 | `bad-topic`, `bad-topics`, `topic-not-utf8`, `trailing-slash` |
//! | 400 | `unknown-parameter`, `repeated-parameter`, `too-many-parameters`, `query-not-utf8` |
//! | 400 | `bad-since`, `bad-last`, `since-and-last`, `bad-on-gap`, `bad-limit` |
//! | 400 | `bad-event-type`, `reserved-event-type`, `bad-id`, `reserved-id`, `bad-retry`, `bad-idempotency-key` |
//! | 400 | `data-not-utf8`, `field-in-query`, `cut-off`, `unfinished-event` |
//! | 401 | `key-required`, `invalid-key` |
//! | 403 | `origin-not-allowed` |
//! | 404, 405, 406 | `not-found`, `method-not-allowed`, `not-acceptable` |
//! | 408 | `too-slow` |
//! | 413, 415 | `too-large`, `unsupported-media-type` |
//! | 421 | `wrong-host` |
//! | 422 | `idempotency-key-reused` |
//! | 429 | `busy` |
//! | 503 | `unavailable`, `ending`, `too-many-connections` |
//! | 507 | `store-full` |
//!
//! What is no HTTP at all is answered 400 or 431 by hyper, without a body.

use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::answer::body::Body;
use crate::answer::json;

/// A refusal. Boxed, because most requests have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    status: StatusCode,
    kind: &'static str,
    detail: String,
    header: Option<(HeaderName, HeaderValue)>,
    published: Option<u64>,
}

impl Problem {
    /// `kind` is the last part of the problem's type.
    pub(crate) fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner { status, kind, detail: detail.into(), header: None, published: None }))
    }

    pub(crate) fn bad_request(kind: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, kind, detail)
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.0.header = Some((name, HeaderValue::from_static(value)));
        self
    }

    /// How many events of a batch were published before this.
    pub(crate) fn after(mut self, published: u64) -> Self {
        self.0.published = Some(published);
        self
    }

    /// Says which of several things it is about.
    pub(crate) fn about(mut self, which: &str) -> Self {
        self.0.detail = format!("{which}: {}", self.0.detail);
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let Inner { status, kind, detail, header, published } = *self.0;
        let document = Document {
            kind: format!("urn:tidings:problem:{kind}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail,
            published,
        };
        let mut response = json::response(status, &document);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some((name, value)) = header {
            headers.insert(name, value);
        }
        response
    }
}

/// RFC 9457 section 3, with one member of our own.
#[derive(Serialize)]
struct Document {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<u64>,
}
