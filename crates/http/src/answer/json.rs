//! JSON: fields stand in the order in which their types declare them, so that answers read well.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::answer::body::Body;

/// A value as text.
pub(crate) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("what we answer has no map, and only a map's keys can fail")
}

/// A value as an answer. It ends with a newline, so that the prompt of a shell stands on a line of its own behind it.
pub(crate) fn response(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    let mut response = Response::new(Body::full(text(value) + "\n"));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
