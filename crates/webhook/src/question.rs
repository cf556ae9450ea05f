//! What a webhook is sent.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE, HeaderName};
use http::request::Parts;
use ring::hmac;
use serde::Serialize;
use tidings_http::{Asked, AskedAction};

/// A question, as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Question<'a> {
    action: &'static str,
    selectors: Vec<&'a str>,
    method: &'a str,
    /// `null` if the server does not tell it.
    address: Option<IpAddr>,
    headers: BTreeMap<&'a str, String>,
}

/// What one thing that is sent has in place of it. Made with a key that the process forgets, so that nobody can guess from it what was
/// sent.
pub(crate) type Digest = [u8; 32];

impl<'a> Question<'a> {
    /// What to ask about a request. It has those of the headers that count.
    pub(crate) fn new(asked: &Asked<'a>, headers: &'a [HeaderName]) -> Self {
        let counts = |name: &HeaderName| asked.cookies_count || !is_added_by_browsers(name, asked.parts);
        let values = headers.iter().filter(|name| counts(name));
        Self {
            action: match asked.action {
                AskedAction::Publish => "publish",
                AskedAction::Subscribe => "subscribe",
                AskedAction::History => "history",
                AskedAction::Admin => "admin",
            },
            selectors: asked.selectors.iter().map(|selector| selector.as_str()).collect(),
            method: asked.parts.method.as_str(),
            address: asked.address.map(|address| address.to_canonical()),
            headers: values.filter_map(|name| Some((name.as_str(), joined(name, asked.parts)?))).collect(),
        }
    }

    pub(crate) fn to_json(&self) -> Bytes {
        // Texts, numbers and lists of them always have a form in JSON.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// What its headers are known by. None if it has no header.
    pub(crate) fn sender(&self, key: &hmac::Key) -> Option<Digest> {
        let headers = serde_json::to_vec(&self.headers).unwrap_or_default();
        (!self.headers.is_empty()).then(|| digest(key, &headers))
    }
}

pub(crate) fn digest(key: &hmac::Key, sent: &[u8]) -> Digest {
    let mut digest = Digest::default();
    digest.copy_from_slice(hmac::sign(key, sent).as_ref());
    digest
}

/// Whether a browser adds a header to whatever any page sends: cookies, and the password of HTTP's own dialog.
fn is_added_by_browsers(name: &HeaderName, parts: &Parts) -> bool {
    let is_bearer = || {
        let value = parts.headers.get(AUTHORIZATION).map(|value| value.as_bytes());
        value.and_then(|value| value.get(..7)).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "))
    };
    *name == COOKIE || *name == AUTHORIZATION && !is_bearer()
}

/// The value of a header, its lines joined: RFC 9110, 5.3, and for cookies RFC 9113, 8.2.3.
fn joined(name: &HeaderName, parts: &Parts) -> Option<String> {
    let lines = parts.headers.get_all(name).into_iter();
    let lines: Vec<_> = lines.map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    let separator = if *name == COOKIE { "; " } else { ", " };
    (!lines.is_empty()).then(|| lines.join(separator))
}
