//! What a client is told when something is refused: `application/problem+json`, RFC 9457.
//!
//! The type is stable, for programs; the detail is a sentence that says what to do, for people. Neither shows the
//! hub's insides.
//!
//! The types are in `problem_type`.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response};
use serde::Serialize;

use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem_type::ProblemType;

/// A refusal. Boxed, because most requests have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem(Box<ProblemParts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct ProblemParts {
    problem_type: ProblemType,
    detail: String,
    header: Option<(HeaderName, HeaderValue)>,
    published: Option<u64>,
    line: Option<u64>,
    uncovered: Vec<String>,
}

impl Problem {
    pub(crate) fn new(problem_type: ProblemType, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self(Box::new(ProblemParts {
            problem_type,
            detail,
            header: None,
            published: None,
            line: None,
            uncovered: Vec::new(),
        }))
    }

    /// A header that may stand once stands in so many lines.
    pub(crate) fn repeated(problem_type: ProblemType, header: &str, lines: usize) -> Self {
        Self::new(problem_type, format!("the request has {lines} lines `{header}`, and may have one"))
    }

    /// What was shown gives nothing, and why: RFC 6750, 3.1.
    pub(crate) fn invalid_credentials(detail: &str) -> Self {
        Self::challenge(ProblemType::InvalidCredentials, "invalid_token", detail)
    }

    /// Nothing was shown, and something is needed. RFC 6750, 3.1: the challenge has no error then.
    pub(crate) fn credentials_required(detail: &str) -> Self {
        Self::new(ProblemType::CredentialsRequired, detail).with_header(WWW_AUTHENTICATE, "Bearer")
    }

    /// The answer to somebody who has to show something else, with the error codes of RFC 6750, 3.1.
    pub(crate) fn challenge(problem_type: ProblemType, error: &str, detail: &str) -> Self {
        let mut problem = Self::new(problem_type, detail);
        // Section 3: the description has neither quotes nor backslashes nor anything that is not visible ASCII.
        let visible = |character| match character {
            '"' | '`' => '\'',
            ' '..='~' if character != '\\' => character,
            _ => '?',
        };
        let description: String = detail.chars().map(visible).collect();
        let value = format!("Bearer error=\"{error}\", error_description=\"{description}\"");
        problem.0.header = HeaderValue::try_from(value).ok().map(|value| (WWW_AUTHENTICATE, value));
        problem
    }

    /// What was asked for and is not allowed.
    pub(crate) fn with_uncovered(mut self, uncovered: Vec<String>) -> Self {
        self.0.uncovered = uncovered;
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.0.header = Some((name, HeaderValue::from_static(value)));
        self
    }

    /// It can be sent again after this time. In whole seconds: RFC 9110, 10.2.3.
    pub(crate) fn with_retry_after(mut self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.0.header = Some((RETRY_AFTER, HeaderValue::from(seconds.max(1))));
        self
    }

    /// How many events of a batch were published before this.
    pub(crate) fn after(mut self, published: u64) -> Self {
        self.0.published = Some(published);
        self
    }

    /// Says which line of the body it is about. Nothing of the body was published.
    pub(crate) fn at_line(mut self, number: u64) -> Self {
        self.0.line = Some(number);
        self.about(&format!("line {number} of the body"))
    }

    /// Says which of several things it is about.
    pub(crate) fn about(mut self, which: &str) -> Self {
        self.0.detail = format!("{which}: {}", self.0.detail);
        self
    }

    /// Says more behind it.
    pub(crate) fn and(mut self, more: &str) -> Self {
        self.0.detail = format!("{}; {more}", self.0.detail);
        self
    }

    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    pub(crate) fn problem_type(&self) -> ProblemType {
        self.0.problem_type
    }

    pub(crate) fn into_response(mut self) -> Response<Body> {
        let header = self.0.header.take();
        let mut response = json::response(self.0.problem_type.status(), &self.into_document());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some((name, value)) = header {
            headers.insert(name, value);
        }
        response
    }

    /// The problem as a document, for a stream that has begun.
    pub(crate) fn into_document(self) -> ProblemDocument {
        let ProblemParts { problem_type, detail, published, line, uncovered, .. } = *self.0;
        let status = problem_type.status();
        ProblemDocument {
            problem_type: format!("urn:tidings:problem:{}", problem_type.name()),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail,
            published,
            line,
            uncovered,
        }
    }
}

/// RFC 9457 section 3, with members of our own.
#[derive(Serialize)]
pub(crate) struct ProblemDocument {
    #[serde(rename = "type")]
    problem_type: String,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    uncovered: Vec<String>,
}
