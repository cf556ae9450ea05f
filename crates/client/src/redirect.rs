//! Redirects, as the fetch standard has them: what the next request is, and what must not be in it.
//!
//! Done here and not by an HTTP client because credentials must not follow to another origin (CVE-2022-1650 was an
//! EventSource whose `Cookie` and `Authorization` did), and because a reconnection starts over at the first URL.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use http::{Method, StatusCode};
use url::Url;

use crate::limits::{LOCATION_CHARS_MAX, REDIRECTS_MAX, SAID_CHARS_MAX};
use crate::said;

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

/// A redirect that is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("{from} answered {status}, which sends to {location}")]
pub struct Redirected {
    /// The URL that answered, without its query.
    pub from: String,
    /// The status of the answer.
    pub status: StatusCode,
    /// Where it sends to: a URL without a password, or the beginning of what the server wrote in its place.
    pub location: String,
    /// Why the request did not follow.
    #[source]
    pub why: RedirectError,
}

/// Why a redirect is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectError {
    /// A loop, most likely.
    #[error("that is one redirect more than {REDIRECTS_MAX}, so it seems to be a loop")]
    TooMany,
    /// The `Location` is no URL, or has characters that no URL has and that would be dropped or changed.
    #[error("that is no URL")]
    Location,
    /// The `Location` leads out of HTTP.
    #[error("that has the scheme {scheme:?}, and only http and https are followed")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// The `Location` has a user name or a password in it, which fetch refuses, too.
    #[error("it had a user name or a password in it, which is not followed")]
    Credentials,
    /// A POST is redirected by 301, 302 or 303, after which the next request would be a GET without the data.
    #[error("this status would turn the POST into a GET, and only 307 and 308 are followed")]
    Method,
    /// The `Location` is of another origin, and the request to publish carries a key.
    #[error("that is another origin, to which the key is not sent")]
    Origin,
    /// The `Location` of a request to publish leads from https to http, where others can read the data.
    #[error("that is http, and data that is meant for https is not sent in the clear")]
    Clear,
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
        let location = std::str::from_utf8(location.as_bytes()).map_err(|_| RedirectError::Location);
        Some(location.and_then(|location| self.resolve(location)))
    }

    /// What is told of a redirect that is not followed.
    pub(crate) fn not_followed(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        why: RedirectError,
    ) -> Redirected {
        let mut from = self.url.clone();
        from.set_query(None);
        let location = headers.get(header::LOCATION).map(|location| self.shown(location.as_bytes()));
        Redirected { from: from.into(), status, location: location.unwrap_or_default(), why }
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

    /// Turns this request to publish into the one that the redirect asks for, with its data and with its key. Refuses what
    /// would lose either or show the data to others: the caller believes that the data arrives, and that the key goes where it was meant
    /// to go.
    pub(crate) fn go_on_to(&mut self, url: Url, status: StatusCode) -> Result<(), RedirectError> {
        let keeps_method = matches!(status.as_u16(), 307 | 308);
        if self.method == Method::POST && !keeps_method {
            return Err(RedirectError::Method);
        }
        if url.origin() != self.url.origin() && self.has_credentials() {
            return Err(RedirectError::Origin);
        }
        if self.url.scheme() == "https" && url.scheme() != "https" {
            return Err(RedirectError::Clear);
        }
        self.go_to(url, status);
        Ok(())
    }

    fn has_credentials(&self) -> bool {
        self.headers.iter().any(|(name, value)| value.is_sensitive() || CREDENTIALS.contains(name))
    }

    fn resolve(&self, location: &str) -> Result<Url, RedirectError> {
        // The URL Standard drops tabs and line ends, so the request would go elsewhere than anybody reads.
        if location.chars().any(char::is_control) {
            return Err(RedirectError::Location);
        }
        let url = self.url.join(location).map_err(|_| RedirectError::Location)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(RedirectError::Scheme { scheme: said::line(url.scheme(), SAID_CHARS_MAX) });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RedirectError::Credentials);
        }
        Ok(url)
    }

    /// A `Location` for people: whole and without its password if it is a URL, else as it was written.
    fn shown(&self, location: &[u8]) -> String {
        let written = String::from_utf8_lossy(location);
        let is_plain = !written.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER);
        let shown = match self.url.join(&written) {
            Ok(mut url) if is_plain => {
                // Fails for a URL that cannot have them.
                let _ = url.set_username("");
                let _ = url.set_password(None);
                url.into()
            }
            // An `@` may stand behind a password that nobody can find.
            Ok(_) | Err(_) if written.contains('@') => "an address that is not shown".to_owned(),
            Ok(_) | Err(_) => format!("{written:?}"),
        };
        shown.chars().take(LOCATION_CHARS_MAX).collect()
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
