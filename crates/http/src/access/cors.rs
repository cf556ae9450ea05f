//! Cross-origin resource sharing: the headers that let pages of other origins read the answers.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, VARY,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::origin::is_allowed;
use crate::answer::body::Body;
use crate::config::Cors;
use crate::limits::PREFLIGHT_SECONDS_MAX;

/// What a page may send: to resume, to publish, to be safe against repetition.
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("Last-Event-ID, Authorization, Cache-Control, Content-Type, Idempotency-Key");

/// What is missing is told in the stream, too; a page that can read a header need not wait for it.
const EXPOSED: HeaderValue = HeaderValue::from_static("Tidings-Gap, Tidings-Partial, Retry-After");

/// Answers OPTIONS, preflight or not. `methods` are those of the path.
pub(crate) fn options(methods: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(methods));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(PREFLIGHT_SECONDS_MAX));
    response
}

/// Adds to any answer what lets the page that asked read it, if it may.
pub(crate) fn share(cors: &Cors, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    if matches!(cors, Cors::Only(origins) if origins.is_empty()) {
        return;
    }
    headers.append(VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin.filter(|origin| origin.to_str().is_ok_and(|origin| is_allowed(cors, origin)))
    else {
        return;
    };
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    match cors {
        // Never with credentials: that would be every site in the user's name.
        Cors::Any => headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        Cors::Only(_) => {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone())
        }
    };
}
