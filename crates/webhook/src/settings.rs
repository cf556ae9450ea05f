//! Which program is asked, and what it is told.

use std::fmt;
use std::time::Duration;

use http::header::{AUTHORIZATION, COOKIE, HeaderName};
use url::{Position, Url};

use crate::limits::{NOTICES_DEBOUNCE_DEFAULT, WEBHOOK_TIMEOUT_DEFAULT};

/// How a webhook is asked.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Where it is.
    pub url: WebhookUrl,
    /// The headers of a request that it is told. `Cookie` and `Authorization` unless set: they say who sends a request.
    pub headers: Vec<HeaderName>,
    /// Time that a question may take, with its connection. 5 s unless set. Zero refuses everything.
    pub timeout: Duration,
}

impl WebhookSettings {
    /// The settings for a URL.
    pub fn new(url: WebhookUrl) -> Self {
        Self { url, headers: vec![COOKIE, AUTHORIZATION], timeout: WEBHOOK_TIMEOUT_DEFAULT }
    }
}

/// How a program is told which streams have begun and ended.
#[derive(Debug, Clone)]
pub struct NoticeSettings {
    /// Where it is told.
    pub url: WebhookUrl,
    /// Time in which a stream may come back, and nothing is told of its end. 10 s unless set. Zero tells every end.
    pub debounce: Duration,
    /// Time that one batch may take, with its connection. 5 s unless set.
    pub timeout: Duration,
}

impl NoticeSettings {
    /// The settings for a URL.
    pub fn new(url: WebhookUrl) -> Self {
        Self { url, debounce: NOTICES_DEBOUNCE_DEFAULT, timeout: WEBHOOK_TIMEOUT_DEFAULT }
    }
}

/// The address of a webhook, over https or http.
///
/// Questions have cookies and tokens in them, and an answer lets somebody in: http is for this machine and for networks that you
/// trust.
#[derive(Clone, PartialEq, Eq, PartialOrd)]
pub struct WebhookUrl(Url);

/// Not the address of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookUrlError {
    /// Not a URL over http or https.
    #[error("a URL over https or http, such as http://127.0.0.1:3000/tidings")]
    Scheme,
    /// A user and a password in it.
    #[error("a URL without a user and a password")]
    Credentials,
    /// A fragment, which no request carries.
    #[error("a URL without a fragment")]
    Fragment,
}

impl WebhookUrl {
    /// Parses an address.
    ///
    /// # Errors
    ///
    /// With what it must be, after "is not".
    pub fn parse(text: &str) -> Result<Self, WebhookUrlError> {
        let url = Url::parse(text).map_err(|_| WebhookUrlError::Scheme)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(WebhookUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WebhookUrlError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(WebhookUrlError::Fragment);
        }
        Ok(Self(url))
    }

    /// All of it, also what `Display` leaves out.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Without its query, which may hold a secret.
impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0[..Position::AfterPath])
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_asked_over_http_or_https_and_its_query_is_not_shown() {
        for text in ["https://a.example/who", "http://10.0.0.1:3000/", "http://[::1]/who?token=s3cret"] {
            let url = WebhookUrl::parse(text).unwrap();
            assert_eq!(url.as_str(), text);
            assert!(!format!("{url} {url:?}").contains("s3cret"), "{url}");
        }
        for (text, error) in [
            ("", WebhookUrlError::Scheme),
            ("/who", WebhookUrlError::Scheme),
            ("file:///who", WebhookUrlError::Scheme),
            ("https://u:p@a.example/who", WebhookUrlError::Credentials),
            ("https://u@a.example/who", WebhookUrlError::Credentials),
            ("https://a.example/who#x", WebhookUrlError::Fragment),
        ] {
            assert_eq!(WebhookUrl::parse(text), Err(error), "{text}");
        }
    }
}
