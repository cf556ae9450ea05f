//! A page of history as JSON, with the cursor to go on from.

use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Value, json};
use tidings_core::{Cursor, Event, Gap, Position, Request};

use crate::body::Body;
use crate::front::Front;
use crate::problem::Problem;
use crate::publish::json_response;
use crate::query::Query;
use crate::subscribe::{gap_header, on_gap, position, selectors, unreadable};

const KNOWN: &[&str] = &["topic", "last_event_id", "lastEventId", "since", "last", "on_gap", "limit"];

/// Events of a page unless the client says otherwise.
const LIMIT: usize = 100;

/// `GET /events/{selector}` or `GET /events?topic=...`, for JSON. Without a place, from the earliest event held.
pub(crate) async fn history(
    front: &Front,
    parts: &Parts,
    rest: Option<&str>,
) -> Result<Response<Body>, Problem> {
    let query = Query::parse(parts.uri.query().unwrap_or(""), KNOWN)?;
    let limit = query.one("limit")?.map(|text| limit(text, front)).transpose()?.unwrap_or(LIMIT);
    let from = match position(front, &parts.headers, &query)? {
        Position::Now => Position::Earliest,
        position => position,
    };
    let request = Request { selectors: selectors(rest, &query)?, from, on_gap: on_gap(&query)? };
    let history = front.hub().history(request, limit).await.map_err(|error| unreadable(&error))?;
    let epoch = history.cursor.epoch;
    let body = json!({
        "events": history.events.iter().map(|event| described(event, epoch)).collect::<Vec<_>>(),
        "cursor": history.cursor.to_string(),
        "more": history.more,
        "gap": history.gap.as_ref().map(gap),
    });
    let mut response = json_response(StatusCode::OK, &body);
    let headers = response.headers_mut();
    headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    headers.append(http::header::VARY, HeaderValue::from_static("Accept"));
    if let Some(gap) = &history.gap {
        headers.insert("tidings-gap", gap_header(gap));
    }
    if parts.method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    Ok(response)
}

fn described(event: &Event, epoch: tidings_core::Epoch) -> Value {
    let draft = &event.draft;
    let time = jiff::Timestamp::from_millisecond(i64::try_from(event.time.0).unwrap_or(i64::MAX));
    let mut value = json!({
        "id": event.id_text(epoch),
        "cursor": Cursor { epoch, sequence: event.sequence }.to_string(),
        "topic": draft.topic().as_str(),
        "type": draft.event_type().map_or("message", |event_type| event_type.as_str()),
        "data": String::from_utf8_lossy(draft.data()),
        "time": time.map(|time| time.to_string()).ok(),
    });
    if let Some(ms) = draft.retry_ms() {
        value["retry"] = json!(ms);
    }
    value
}

fn gap(gap: &Gap) -> Value {
    json!({
        "requested": gap.requested,
        "reason": gap.lost.as_str(),
        "resumes_after": gap.resumes_after.to_string(),
    })
}

fn limit(text: &str, front: &Front) -> Result<usize, Problem> {
    let limit_max = front.hub().limits().page_events_max;
    let limit = text.parse().ok().filter(|limit| (1..=limit_max).contains(limit));
    let refuse =
        || Problem::bad_request("bad-limit", format!("`limit` is a number of events from 1 to {limit_max}"));
    limit.ok_or_else(refuse)
}
