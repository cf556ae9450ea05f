//! What every answer says about who may read it: the headers of cross-origin resource sharing, and those by which browsers
//! take it for nothing else than what it is.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, COOKIE, HeaderName, ORIGIN, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::advice::advice;
use super::head::{RequestHead, SEC_FETCH_MODE};
use super::origin::Origin;
use super::page::{is_allowed, is_trusted_page, parsed};
use super::policy::{Loaders, PageRule, Policy};
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::config::{Cors, HttpConfig};
use crate::limits::{PREFLIGHT_BYTES_MAX, PREFLIGHT_HEADERS_MAX, PREFLIGHT_SECONDS_MAX};

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What a page may send that does not say what it will send: to resume, to publish, to be safe against repetition.
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("last-event-id, authorization, cache-control, content-type, idempotency-key");

/// Every header of our answers that means something to a page and that browsers do not show unasked.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Tidings-Gap, Tidings-Partial, Idempotency-Replayed, Retry-After, ETag, Allow, WWW-Authenticate, Date",
);

/// Answers OPTIONS, preflight or not. `methods` are those of the path.
pub(crate) fn options(cors: &Cors, methods: &'static str, request: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(methods));
    if is_shared(cors) {
        headers.insert(VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
    }
    if sole_origin(request).is_some_and(|origin| is_allowed(cors, origin)) {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, announced(request).unwrap_or(REQUEST_HEADERS));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(PREFLIGHT_SECONDS_MAX));
    }
    response
}

/// Why a preflight is answered without what would let its page go on, if it is one of an origin that is not allowed.
pub(crate) fn refused_preflight(config: &HttpConfig, head: &RequestHead<'_>) -> Option<Problem> {
    let origin = head.origin().filter(|_| head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD))?;
    let detail = || {
        let advice = advice(config, head, origin);
        format!(
            "a page of {} asks whether it may use the hub at {}; {advice}",
            head.shown_origin(),
            head.shown_host()
        )
    };
    (!is_allowed(&config.cors, origin)).then(|| Problem::new(ProblemType::OriginNotAllowed, detail()))
}

/// Why the page of a request will not see the answer: it asks with its cookies, and every origin is allowed. Fetch, 4.9: with
/// credentials `*` is no leave. The hub is not told whether a page that has no cookie for it wants to send them.
pub(crate) fn withheld(config: &HttpConfig, policy: Policy, head: &RequestHead<'_>) -> Option<String> {
    let origin =
        head.origin().filter(|_| config.cors == Cors::Any && !is_trusted_page(config, head, false))?;
    let has_cookies = head.headers.contains_key(COOKIE);
    // A WebSocket has them as well, and is not held back.
    let is_held_back = head.headers.get(SEC_FETCH_MODE).is_some_and(|mode| mode == "cors");
    if policy.page == PageRule::Any || !has_cookies || !is_held_back {
        return None;
    }
    let name = parsed(origin).filter(Origin::is_of_pages);
    let name = name.map(|origin| format!("name the origin with --cors-origin {origin} in place of '*', or "));
    Some(format!(
        "a page of {} asks with its cookies, and every origin is allowed; {}let the page ask without credentials",
        head.shown_origin(),
        name.unwrap_or_default()
    ))
}

/// Adds to any answer what every answer has. `policy` is that of what was asked for, and `request` what is known of the
/// headers of the request.
pub(crate) fn finish<B>(cors: &Cors, policy: Policy, request: &HeaderMap, response: &mut Response<B>) {
    // A refusal is no file.
    let is_refusal = response.status().is_client_error() || response.status().is_server_error();
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if policy.loaders == Loaders::AllByCors {
        // The same for every page and without credentials. A refusal, too, or the page would not learn its status.
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        return;
    }
    if is_shared(cors) {
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
    let origin = if is_shared(cors) { sole_origin(request) } else { None };
    let origin = origin.filter(|origin| is_allowed(cors, origin));
    // With CORS a browser does not look at it. It keeps what is read without CORS out of other sites' processes.
    let is_file_for_all = policy.loaders == Loaders::All && !is_refusal;
    let for_all = is_file_for_all || origin.is_some() || *cors == Cors::Any;
    let loaders = if for_all { "cross-origin" } else { "same-origin" };
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static(loaders));
    let Some(origin) = origin else { return };
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

/// Whether any other origin may read.
fn is_shared(cors: &Cors) -> bool {
    match cors {
        Cors::Any => true,
        Cors::Only(origins) => !origins.is_empty(),
    }
}

/// The origin, unless there are two of them, which no browser sends.
fn sole_origin(request: &HeaderMap) -> Option<&HeaderValue> {
    let mut origins = request.get_all(ORIGIN).iter();
    origins.next().filter(|_| origins.next().is_none())
}

/// The headers that a preflight announces, in lower case. None if it announces none, or more than any page does.
fn announced(request: &HeaderMap) -> Option<HeaderValue> {
    let lines = request.get_all(ACCESS_CONTROL_REQUEST_HEADERS);
    let names = lines.iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let mut list = Vec::new();
    for (count, name) in names.map(<[u8]>::trim_ascii).filter(|name| !name.is_empty()).enumerate() {
        let name = HeaderName::from_bytes(name).ok()?;
        if count == PREFLIGHT_HEADERS_MAX || list.len() + name.as_str().len() > PREFLIGHT_BYTES_MAX {
            return None;
        }
        if count > 0 {
            list.extend_from_slice(b", ");
        }
        list.extend_from_slice(name.as_str().as_bytes());
    }
    HeaderValue::from_maybe_shared(bytes::Bytes::from(list)).ok().filter(|list| !list.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&'static str, &str)]) -> HeaderMap {
        let headers = headers.iter();
        headers.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn allowed_headers(announced: &[&str]) -> String {
        let mut request = request(&[("origin", "https://app.example")]);
        for line in announced {
            request.append(ACCESS_CONTROL_REQUEST_HEADERS, line.parse().unwrap());
        }
        let response = options(&Cors::Any, "GET", &request);
        response.headers()[ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap().to_owned()
    }

    #[test]
    fn an_allowed_page_gets_the_headers_that_it_asks_for() {
        let standard = REQUEST_HEADERS;

        assert_eq!(
            allowed_headers(&["sentry-trace,Traceparent , baggage"]),
            "sentry-trace, traceparent, baggage"
        );
        assert_eq!(allowed_headers(&["x-a", "x-b,,"]), "x-a, x-b");
        for none in [&[][..], &[""], &[" , "], &["x a"], &["x-a,\u{e9}"], &["x:y"]] {
            assert_eq!(allowed_headers(none), standard, "{none:?}");
        }
    }

    #[test]
    fn what_a_preflight_may_ask_for_has_a_bound() {
        let standard = REQUEST_HEADERS;
        let many = |count: usize| vec!["x-a"; count].join(",");
        let long = |bytes: usize| "x".repeat(bytes);

        assert_ne!(allowed_headers(&[&many(PREFLIGHT_HEADERS_MAX)]), standard);
        assert_eq!(allowed_headers(&[&many(PREFLIGHT_HEADERS_MAX + 1)]), standard);
        assert_ne!(allowed_headers(&[&long(PREFLIGHT_BYTES_MAX)]), standard);
        assert_eq!(allowed_headers(&[&long(PREFLIGHT_BYTES_MAX + 1)]), standard);
    }

    #[test]
    fn two_origins_are_none() {
        let mut request = request(&[("origin", "https://app.example")]);
        request.append(ORIGIN, HeaderValue::from_static("https://app.example"));
        let cors = Cors::Only(vec!["https://app.example".parse().unwrap()]);
        let mut response = Response::new(());

        finish(&cors, Policy::READ, &request, &mut response);

        assert!(!response.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
        assert_eq!(response.headers()[RESOURCE_POLICY], "same-origin");
    }
}
