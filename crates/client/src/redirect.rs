//! Redirects, as the fetch standard has them: what the next request is, and what must not be in it.
//!
//! Done here and not by an HTTP client because credentials must not follow to another origin (CVE-2022-1650 was an
//! EventSource whose `Cookie` and `Authorization` did), and because a reconnection starts over at the first URL.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use http::{Method, StatusCode};
use url::Url;

use crate::limits::REDIRECTS_MAX;

/// Secrets by their name. Others are recognised because whoever set them marked them as sensitive.
const CREDENTIALS: [HeaderName; 3] = [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION];

/// Fetch standard, "request-body-header name".
const ABOUT_THE_BODY: [HeaderName; 4] =
    [header::CONTENT_ENCODING, header::CONTENT_LANGUAGE, header::CONTENT_LOCATION, header::CONTENT_TYPE];

/// One request on the way to an answer.
#[derive(Debug, Clone)]
pub(crate) struct Hop {
    pub(crate) url: Url,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why a redirect is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectError {
    /// A loop, most likely.
    #[error("there are more than {REDIRECTS_MAX} redirects")]
    TooMany,
    /// The `Location` is no URL.
    #[error("the location {location:?} is no URL")]
    Location {
        /// As the server wrote it, as far as it is text.
        location: String,
    },
    /// The `Location` leads out of HTTP.
    #[error("the location is of the scheme {scheme:?}")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// The `Location` has a user name or a password in it, which fetch refuses, too.
    #[error("the location has credentials in it")]
    Credentials,
}

impl Hop {
    /// Where the answer sends this request. `None` if it is no redirect, or names no place.
    pub(crate) fn target(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Option<Result<Url, RedirectError>> {
        if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let location = headers.get(header::LOCATION)?;
        Some(self.resolve(&String::from_utf8_lossy(location.as_bytes())))
    }

    /// Turns this request into the one that the redirect asks for.
    pub(crate) fn go_to(&mut self, url: Url, status: StatusCode) {
        let becomes_get = match status {
            StatusCode::SEE_OTHER => self.method != Method::GET && self.method != Method::HEAD,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = Bytes::new();
            for name in &ABOUT_THE_BODY {
                self.headers.remove(name);
            }
        }
        if url.origin() != self.url.origin() {
            self.remove_credentials();
        }
        self.url = url;
    }

    fn resolve(&self, location: &str) -> Result<Url, RedirectError> {
        let url = self
            .url
            .join(location)
            .map_err(|_| RedirectError::Location { location: location.chars().take(200).collect() })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(RedirectError::Scheme { scheme: url.scheme().to_owned() });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RedirectError::Credentials);
        }
        Ok(url)
    }

    fn remove_credentials(&mut self) {
        let marked =
            self.headers.iter().filter(|(_, value)| value.is_sensitive()).map(|(name, _)| name.clone());
        let names: Vec<HeaderName> = marked.chain(CREDENTIALS).collect();
        for name in names {
            self.headers.remove(name);
        }
    }
}

#[cfg(test)]
mod tests;
