//! Asking for the time of each event, where nobody knows whether the server is a hub.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{Method, StatusCode};
use url::Url;

use crate::machine::is_passing;
use crate::redirect::Hop;

const NAME: &str = "with";
const VALUE: &str = "time";

/// The first URL with `with=time` in its query, and whether the server has taken it for a mistake.
#[derive(Debug, Clone)]
pub(crate) struct WithTime {
    url: Url,
    is_refused: Arc<AtomicBool>,
}

impl WithTime {
    /// `None` if the caller's own URL says something about it, or the request is no GET: the parameters of others may be in its body.
    pub(crate) fn of(first: &Hop) -> Option<Self> {
        if first.method != Method::GET || first.url.query_pairs().any(|(name, _)| name == NAME) {
            return None;
        }
        let mut url = first.url.clone();
        // Not by `query_pairs_mut`, which would write the caller's own parameters anew, and a signature may cover them.
        let query = url.query().filter(|query| !query.is_empty()).map(|query| format!("{query}&"));
        url.set_query(Some(&format!("{}{NAME}={VALUE}", query.unwrap_or_default())));
        Some(Self { url, is_refused: Arc::default() })
    }

    /// The URL to ask for. `None` once it was refused and the caller's own was not.
    pub(crate) fn url(&self) -> Option<Url> {
        (!self.is_refused.load(Ordering::Relaxed)).then(|| self.url.clone())
    }

    /// Whether the parameter may be the reason of this answer, so that the URL without it is worth a request. 401 is about who asks.
    pub(crate) fn may_be_blamed(status: StatusCode) -> bool {
        status.is_client_error() && !is_passing(status) && status != StatusCode::UNAUTHORIZED
    }

    /// The server has taken the URL without it.
    pub(crate) fn refuse(&self) {
        self.is_refused.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn asked(method: Method, url: &str) -> Option<String> {
        let first =
            Hop { url: Url::parse(url).unwrap(), method, headers: HeaderMap::new(), body: Bytes::new() };
        WithTime::of(&first)?.url().map(String::from)
    }

    #[test]
    fn the_parameter_stands_behind_those_of_the_caller_which_stay_as_they_are() {
        for (url, with_time) in [
            ("http://h/a", "http://h/a?with=time"),
            ("http://h/a?", "http://h/a?with=time"),
            ("http://h/a?x=%2f+1&y", "http://h/a?x=%2f+1&y&with=time"),
            ("http://h/a?width=1&x=with", "http://h/a?width=1&x=with&with=time"),
        ] {
            assert_eq!(asked(Method::GET, url).as_deref(), Some(with_time), "{url}");
        }
    }

    #[test]
    fn a_caller_who_says_it_and_a_request_with_a_body_are_left_alone() {
        for url in ["http://h/a?with=time", "http://h/a?x=1&with", "http://h/a?%77ith=x"] {
            assert_eq!(asked(Method::GET, url), None, "{url}");
        }
        assert_eq!(asked(Method::POST, "http://h/a"), None);
    }
}
