//! The pages for people: files that the binary embeds, handed in as values.

use std::collections::HashMap;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;

/// Nothing but the hub's own files runs on its pages, and nothing frames them.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// A file of the console.
#[derive(Debug, Clone)]
pub struct Asset {
    /// The media type, such as `text/css; charset=utf-8`.
    pub content_type: &'static str,
    /// A quoted entity tag that changes with the bytes.
    pub etag: HeaderValue,
    /// The file.
    pub bytes: Bytes,
}

/// The files of the console by their path below `/console/`. `index.html` is also the page of every topic.
#[derive(Debug, Clone, Default)]
pub struct Pages(HashMap<String, Asset>);

impl Pages {
    /// Collects files.
    pub fn new(files: impl IntoIterator<Item = (String, Asset)>) -> Self {
        Self(files.into_iter().collect())
    }

    /// The page of the hub, or of a topic.
    pub(crate) fn index(&self, request: &HeaderMap) -> Result<Response<Body>, Problem> {
        let mut response = self.file("index.html", request)?;
        // The same URL answers programs with a stream.
        response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
        Ok(response)
    }

    pub(crate) fn file(&self, path: &str, request: &HeaderMap) -> Result<Response<Body>, Problem> {
        let asset = self.0.get(path).ok_or_else(not_found)?;
        let known = request.get_all(IF_NONE_MATCH).iter().any(|tags| names(tags, &asset.etag));
        let mut response = Response::new(if known { Body::empty() } else { Body::full(asset.bytes.clone()) });
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
        headers.insert(ETAG, asset.etag.clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(CONTENT_SECURITY_POLICY, POLICY);
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        Ok(response)
    }
}

/// Whether a list of entity tags has this one. Weak ones count: RFC 9110 section 13.1.2 compares them so here.
fn names(tags: &HeaderValue, etag: &HeaderValue) -> bool {
    let mut tags = tags.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    tags.any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes())
}

pub(crate) fn not_found() -> Problem {
    let detail = "there is nothing here; events are at /events/{topic}, the console is at /";
    Problem::new(ProblemType::NotFound, detail)
}
