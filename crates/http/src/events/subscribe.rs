//! A subscribe, from the request to the stream's first bytes.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version};
use jiff::Timestamp;
use tidings_core::{Clock, Form, Gap, OnGap, Opened, Position, Request, Selector, Selectors, UnixMillis};
use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};

use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::front::Front;
use crate::lane::Framing;
use crate::lane::parking::{Leave, Parking, ParkingSlot};
use crate::request::path;
use crate::request::query::Query;
use crate::stream::permits::StreamPermits;
use crate::stream::{block, task};

pub(crate) const KNOWN: &[&str] = &["topic", "last_event_id", "lastEventId", "since", "last", "on_gap"];

const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const INCREMENTAL: HeaderName = HeaderName::from_static("incremental");
const GAP: HeaderName = HeaderName::from_static("tidings-gap");

/// `GET /events/{selector}` or `GET /events?topic=...`, for a stream. `rest` is what stands after `/events/`.
pub(crate) async fn subscribe(
    front: &Front,
    parts: &Parts,
    rest: Option<&str>,
) -> Result<Response<Body>, Problem> {
    let query = Query::parse(parts.uri.query().unwrap_or(""), KNOWN)?;
    let request = Request {
        selectors: selectors(rest, &query)?,
        from: position(front, &parts.headers, &query)?,
        on_gap: on_gap(&query)?,
    };
    let mut response = Response::new(Body::empty());
    // An HTTP/1.0 stream ends where its connection does. In any other version hyper would promise a client that asks
    // for it to keep the connection.
    *response.version_mut() = parts.version;
    put_headers(response.headers_mut());
    if parts.method == Method::HEAD {
        return Ok(response);
    }
    let (false, Ok(permit)) = (front.drain().has_begun(), stream_permit(parts)) else {
        // Any other status would make a browser give up for good.
        *response.body_mut() = Body::full(block::farewell(front.drain().delay(front.config().retry)));
        return Ok(response);
    };
    let opened = front.hub().subscribe(request).await.map_err(|error| unreadable(&error))?;
    if let Some(gap) = &opened.gap {
        response.headers_mut().insert(GAP, gap_header(gap));
    }
    *response.body_mut() = body(front, parts, opened, permit);
    Ok(response)
}

/// A permit of its own, if that of the connection is not enough. An error if none is left.
fn stream_permit(parts: &Parts) -> Result<Option<OwnedSemaphorePermit>, TryAcquireError> {
    parts.extensions.get::<StreamPermits>().map(StreamPermits::take).transpose()
}

/// The stream's body: parked in a lane if the connection can be, else carried by the server.
fn body(front: &Front, parts: &Parts, opened: Opened, permit: Option<OwnedSemaphorePermit>) -> Body {
    let opening = opening(front, &opened);
    let several = opened.subscription.selectors().single_topic().is_none();
    let form = if several { Form::Labelled } else { Form::Plain };
    let framing = if parts.version == Version::HTTP_11 { Framing::Chunked } else { Framing::Raw };
    match parts.extensions.get::<ParkingSlot>() {
        Some(slot) => {
            let leave = Leave { subscription: opened.subscription, form, framing };
            Body::parking(Parking::new(opening, leave, slot.clone()))
        }
        None => Body::stream(task::stream(front, opening, opened.subscription, form, permit)),
    }
}

/// What every stream begins with; the gap comes after the place that it leads to.
fn opening(front: &Front, opened: &Opened) -> Bytes {
    let config = front.config();
    let first = block::opening(config.heartbeat, config.retry, opened.subscription.cursor());
    match &opened.gap {
        None => first,
        Some(gap) => [first, block::gap(gap)].concat().into(),
    }
}

/// No buffer, no cache and no compression between the hub and the client.
fn put_headers(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, no-transform"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    headers.insert(INCREMENTAL, HeaderValue::from_static("?1"));
}

/// Nothing in it is the client's.
pub(crate) fn gap_header(gap: &Gap) -> HeaderValue {
    let text = format!("{}; resumes-after={}", gap.lost.as_str(), gap.resumes_after);
    HeaderValue::from_str(&text).expect("a reason and a cursor are visible ASCII")
}

pub(crate) fn selectors(rest: Option<&str>, query: &Query) -> Result<Selectors, Problem> {
    let of_path = rest.map(path::selector).into_iter();
    let parsed = |text| Selector::parse(text).map_err(|error| path::bad_topic(&error));
    let all: Vec<_> = of_path.chain(query.all("topic").map(parsed)).collect::<Result<_, _>>()?;
    Selectors::new(all).map_err(|error| Problem::bad_request("bad-topics", error.to_string()))
}

/// Where to begin. The header wins, because a client that reconnects repeats its URL, and must not start over.
pub(crate) fn position(front: &Front, headers: &HeaderMap, query: &Query) -> Result<Position, Problem> {
    let since = query.one("since")?.map(|text| since(text, front.clock())).transpose()?;
    let last = query.one("last")?.map(|text| last(text, front.config().last_max)).transpose()?;
    if since.is_some() && last.is_some() {
        return Err(Problem::bad_request("since-and-last", "give `since` or `last`, not both"));
    }
    let id = match last_event_id(headers) {
        Some(id) => Some(id),
        None => query.one("last_event_id")?.or(query.one("lastEventId")?).map(str::to_owned),
    };
    let id = id.filter(|id| !id.is_empty()).map(Position::Id);
    Ok(id.or(since).or(last).unwrap_or(Position::Now))
}

/// Whatever comes is taken: an error would make a browser give up for good, and a gap tells as much.
fn last_event_id(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("last-event-id")?;
    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
    (!text.is_empty()).then_some(text)
}

fn since(text: &str, clock: &dyn Clock) -> Result<Position, Problem> {
    if text == "earliest" {
        return Ok(Position::Earliest);
    }
    let refuse = || {
        let detail = "`since` is `earliest`, an age such as 90s, 10m, 2h or 7d, or a time such as 2026-11-21T08:00:00Z";
        Problem::bad_request("bad-since", detail)
    };
    if let Some(age) = age(text) {
        let ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        return Ok(Position::Since(UnixMillis(clock.now().0.saturating_sub(ms))));
    }
    let time: Timestamp = text.parse().map_err(|_| refuse())?;
    Ok(Position::Since(UnixMillis(u64::try_from(time.as_millisecond()).unwrap_or(0))))
}

fn age(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
    Some(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?))
}

fn last(text: &str, last_max: usize) -> Result<Position, Problem> {
    let count = text.parse().ok().filter(|count| *count <= last_max);
    let refuse =
        || Problem::bad_request("bad-last", format!("`last` is a number of events, at most {last_max}"));
    count.map(Position::Last).ok_or_else(refuse)
}

pub(crate) fn on_gap(query: &Query) -> Result<OnGap, Problem> {
    match query.one("on_gap")? {
        None | Some("earliest") => Ok(OnGap::Earliest),
        Some("latest") => Ok(OnGap::Latest),
        Some(_) => Err(Problem::bad_request("bad-on-gap", "`on_gap` is `earliest` or `latest`")),
    }
}

pub(crate) fn unreadable(error: &tidings_core::StoreError) -> Problem {
    tracing::error!(%error, "the store cannot be read");
    let detail = "the hub cannot read its log at the moment; try again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
        .with_header(http::header::RETRY_AFTER, "1")
}
