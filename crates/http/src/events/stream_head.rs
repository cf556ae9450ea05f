//! The head of a stream's answer.

use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, VARY,
};
use http::{HeaderMap, HeaderValue, Response};

use super::subscribe_request::SubscribeRequest;
use crate::answer::body::Body;
use crate::request::mode::Mode;
use crate::stream::Encoder;
use crate::stream::gzip::Coding;

const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const INCREMENTAL: HeaderName = HeaderName::from_static("incremental");

/// The head of a stream, before it is known what else stands in it.
pub(super) fn head(request: &SubscribeRequest) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    // An HTTP/1.0 stream ends where its connection does. In any other version hyper would promise a client that asks
    // for it to keep the connection.
    *response.version_mut() = request.version;
    put_headers(response.headers_mut(), request.encoder, request.mode);
    if request.coding.is_some() {
        response.headers_mut().append(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    if let Some(page) = &request.page {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, page.policy());
    }
    response
}

/// The same, of a stream that there is: how it travels is known.
pub(crate) fn head_of_stream(request: &SubscribeRequest) -> Response<Body> {
    let mut response = head(request);
    if request.coding == Some(Coding::Gzip) {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// No cache and no compression between the hub and the client, and no buffer for what does not end.
fn put_headers(headers: &mut HeaderMap, encoder: Encoder, mode: Mode) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(encoder.content_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, no-transform"));
    if mode.ends() {
        return;
    }
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    headers.insert(INCREMENTAL, HeaderValue::from_static("?1"));
}
