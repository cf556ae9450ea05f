//! What operators and their machines ask: liveness, readiness, a few numbers.

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use crate::answer::body::Body;
use crate::front::Front;

/// `/healthz`: the process answers.
pub(crate) fn live() -> Response<Body> {
    text("ok\n".to_owned())
}

/// `/readyz`: the hub takes work. 503 once it is ending, so that a load balancer looks elsewhere.
pub(crate) fn ready(front: &Front) -> Response<Body> {
    if !front.drain().has_begun() {
        return text("ready\n".to_owned());
    }
    let mut response = text("ending\n".to_owned());
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    response
}

/// `/metrics`: gauges in the text format of Prometheus.
pub(crate) fn metrics(front: &Front) -> Response<Body> {
    let (hub, bounds) = (front.hub(), front.hub().bounds());
    let mut body = String::new();
    for (name, help, value) in [
        ("tidings_subscriptions", "Subscriptions now.", hub.roster().count() as u64),
        ("tidings_log_head", "Sequence of the last event.", bounds.head.sequence.0),
        ("tidings_log_earliest", "Sequence of the first event still held.", bounds.earliest().0),
        (
            "tidings_feed_lag",
            "Events that are stored and not yet shown.",
            bounds.head.sequence.0.saturating_sub(hub.shown().0),
        ),
    ] {
        body.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n"));
    }
    text(body)
}

fn text(body: String) -> Response<Body> {
    let mut response = Response::new(Body::full(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
