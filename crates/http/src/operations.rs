//! What operators and their machines ask: liveness, readiness, metrics.

use http::header::{CONTENT_TYPE, RETRY_AFTER, VARY};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::front::Front;
use crate::metrics::MetricsFormat;
use crate::request::accept::{prefers_json, prefers_open_metrics};
use crate::trouble::Trouble;

/// `/healthz`: the process answers.
pub(crate) fn live() -> Response<Body> {
    text("ok\n".to_owned())
}

/// `/readyz`: the hub takes work. 503 once it gives notice of its end, so that a load balancer looks elsewhere. What is wrong beside that
/// stands in the body alone: another hub behind the same balancer has another log, and readers would find less there.
pub(crate) fn ready(front: &Front, headers: &HeaderMap) -> Response<Body> {
    let (is_ready, troubles) = (front.is_ready(), front.troubles());
    let word = if is_ready { "ready" } else { "ending" };
    let mut response = match prefers_json(headers) {
        true => {
            let troubles = troubles.iter().map(|Trouble { name, text }| TroubleDocument { name, text });
            let document = ReadyDocument { status: word, troubles: troubles.collect() };
            json::response(StatusCode::OK, &document)
        }
        false => {
            let lines = troubles.iter().map(|Trouble { name, text }| format!("{name}: {text}\n"));
            text(format!("{word}\n{}", lines.collect::<String>()))
        }
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    if !is_ready {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}

#[derive(Serialize)]
struct ReadyDocument<'a> {
    status: &'a str,
    troubles: Vec<TroubleDocument<'a>>,
}

#[derive(Serialize)]
struct TroubleDocument<'a> {
    name: &'a str,
    text: &'a str,
}

/// `/metrics`: OpenMetrics for those who name it, which Prometheus does; else the text format that everything reads.
pub(crate) fn metrics(front: &Front, headers: &HeaderMap) -> Result<Response<Body>, Problem> {
    let (format, content_type) = match prefers_open_metrics(headers) {
        true => (MetricsFormat::OpenMetrics, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        false => (MetricsFormat::Prometheus, "text/plain; version=0.0.4; charset=utf-8"),
    };
    let text = front.metrics().text(format).map_err(|_| {
        tracing::error!("a collector of metrics has failed");
        Problem::new(
            ProblemType::Unavailable,
            "the hub cannot tell its metrics at the moment; its log says why",
        )
    })?;
    let mut response = Response::new(Body::full(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

fn text(body: String) -> Response<Body> {
    let mut response = Response::new(Body::full(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
