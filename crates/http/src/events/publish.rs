//! Stop 1 of the walk: a publish, from the request to the hub and back.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use serde::Serialize;
use tidings_core::{Draft, DraftError, DraftFields, PublishError, Published, StoreError};
use tokio::time::timeout;

use crate::access::key as publish_key;
use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::events::producer;
use crate::front::Front;
use crate::request::path;
use crate::request::query::Query;

const KNOWN: &[&str] = &["event", "id", "retry"];

/// Tells that a publish was a repetition, and what it repeats was stored before.
const REPLAYED: &str = "idempotency-replayed";

/// `POST /events/{topic}`; `rest` is what stands after `/events/`.
pub(crate) async fn publish<B>(
    front: &Front,
    parts: &Parts,
    rest: &str,
    body: B,
) -> Result<Response<Body>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    publish_key::publisher(front.config().publish_key.as_deref(), &parts.headers)?;
    if front.drain().has_begun() {
        return Err(ending());
    }
    let topic = path::topic(rest)?;
    let query = Query::parse(parts.uri.query().unwrap_or(""), KNOWN)?;
    if content(&parts.headers)? == Content::Stream {
        return producer::publish(front, parts, topic, &query, body).await;
    }
    let fields = DraftFields {
        event_type: query.one("event")?,
        id: query.one("id")?,
        retry_ms: query.one("retry")?.map(retry_ms).transpose()?,
        key: key(&parts.headers)?,
    };
    let limits = front.hub().limits();
    let data = read(body, limits.event_bytes_max, front.config().body_wait_max).await?;
    let draft = Draft::new(topic, data, fields, limits).map_err(|error| bad_draft(&error))?;
    let published = front.hub().publish(draft).await.map_err(not_published)?;
    Ok(created(&published))
}

/// What a body is.
#[derive(Debug, PartialEq, Eq)]
enum Content {
    /// The data of one event, as it stands.
    Data,
    /// A stream of events.
    Stream,
}

/// Any text is data: `curl -d` calls it a form. Anything else would not survive as text.
fn content(headers: &HeaderMap) -> Result<Content, Problem> {
    if headers
        .get(CONTENT_ENCODING)
        .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(unsupported("the body must not be compressed"));
    }
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(Content::Data) };
    let value = value.to_str().unwrap_or("").to_ascii_lowercase();
    let (essence, parameters) = value.split_once(';').unwrap_or((&value, ""));
    if parameters.split(';').any(is_foreign_charset) {
        return Err(unsupported("the body must be UTF-8"));
    }
    match essence.trim() {
        "text/event-stream" => Ok(Content::Stream),
        "application/json" | "application/xml" | "application/x-www-form-urlencoded" => Ok(Content::Data),
        text if text.starts_with("text/") || text.ends_with("+json") || text.ends_with("+xml") => {
            Ok(Content::Data)
        }
        _ => Err(unsupported("send text, JSON, XML, or text/event-stream")),
    }
}

fn is_foreign_charset(parameter: &str) -> bool {
    let charset = parameter.trim().strip_prefix("charset=").map(|charset| charset.trim_matches('"'));
    charset.is_some_and(|charset| !matches!(charset, "utf-8" | "utf8" | "us-ascii"))
}

fn unsupported(detail: &str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
}

fn retry_ms(text: &str) -> Result<u64, Problem> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let ms = digits.then(|| text.parse().ok()).flatten();
    ms.ok_or_else(|| Problem::bad_request("bad-retry", "`retry` is a number of milliseconds, in digits"))
}

pub(crate) fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let key = keys.next().map(HeaderValue::to_str).transpose();
    match (key, keys.next()) {
        (Ok(key), None) => Ok(key.map(|key| key.trim_matches('"'))),
        _ => Err(bad_draft(&DraftError::Key)),
    }
}

/// Reads a body of bounded size in bounded time.
async fn read<B>(mut body: B, bytes_max: usize, wait_max: Duration) -> Result<Bytes, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large(bytes_max));
    }
    let whole = timeout(wait_max, async {
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| cut_off())?.into_data() else { continue };
            if first.len() + rest.len() + data.len() > bytes_max {
                return Err(too_large(bytes_max));
            }
            // Most bodies come in one piece, and stay as they came.
            if first.is_empty() { first = data } else { rest.extend_from_slice(&data) }
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok([&first[..], &rest[..]].concat().into())
    });
    whole.await.unwrap_or_else(|_| Err(too_slow()))
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a str,
}

fn created(published: &Published) -> Response<Body> {
    let mut response = json::response(StatusCode::CREATED, &Answer { id: &published.id });
    if published.repeated {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

pub(crate) fn bad_draft(error: &DraftError) -> Problem {
    let (status, kind) = match error {
        DraftError::DataTooLong { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
        DraftError::DataNotUtf8 { .. } => (StatusCode::BAD_REQUEST, "data-not-utf8"),
        DraftError::TypeTooLong { .. } | DraftError::TypeControl => {
            (StatusCode::BAD_REQUEST, "bad-event-type")
        }
        DraftError::TypeReserved => (StatusCode::BAD_REQUEST, "reserved-event-type"),
        DraftError::IdReserved => (StatusCode::BAD_REQUEST, "reserved-id"),
        DraftError::RetryTooLong => (StatusCode::BAD_REQUEST, "bad-retry"),
        DraftError::Key => (StatusCode::BAD_REQUEST, "bad-idempotency-key"),
        _ => (StatusCode::BAD_REQUEST, "bad-id"),
    };
    Problem::new(status, kind, error.to_string())
}

pub(crate) fn not_published(error: PublishError) -> Problem {
    match error {
        PublishError::Draft(error) => bad_draft(&error),
        PublishError::KeyReused { .. } => {
            let detail = "this idempotency key was used for another event; use a new key for a new event";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", detail)
        }
        PublishError::Busy => {
            let detail = "more is being published than the disk can take; send it again in a moment";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail).with_header(RETRY_AFTER, "1")
        }
        PublishError::Store(StoreError::Full(_)) => {
            let detail = "the hub's disk is full; nothing was published, try again later";
            Problem::new(StatusCode::INSUFFICIENT_STORAGE, "store-full", detail)
                .with_header(RETRY_AFTER, "10")
        }
        error => {
            tracing::warn!(%error, "a publish failed");
            let detail = "the hub cannot take events at the moment; try again, with the same idempotency key";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).with_header(RETRY_AFTER, "1")
        }
    }
}

pub(crate) fn ending() -> Problem {
    let detail = "the hub is ending; try again in a moment";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ending", detail).with_header(RETRY_AFTER, "2")
}

pub(crate) fn too_large(bytes_max: usize) -> Problem {
    bad_draft(&DraftError::DataTooLong { bytes_max })
}

pub(crate) fn too_slow() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "the body did not come in time; send it again")
}

pub(crate) fn cut_off() -> Problem {
    Problem::bad_request("cut-off", "the body ended before it was complete; send it again")
}
