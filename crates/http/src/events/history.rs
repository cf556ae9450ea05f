//! A page of history as JSON, with the cursor to go on from.

use http::header::{CACHE_CONTROL, VARY};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use tidings_core::{Position, Request};

use super::gap::{GAP, gap_header};
use super::problem::unreadable;
use crate::answer::body::Body;
use crate::answer::document::{EventDocument, GapDocument};
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::front::Front;
use crate::limits::HISTORY_EVENTS_DEFAULT;
use crate::request::path::selectors;
use crate::request::position::{PositionBounds, on_gap, position};
use crate::request::query::Query;

const KNOWN: &[&str] =
    &["topic", "last_event_id", "lastEventId", "since", "last", "on_gap", "limit", "after"];

/// `GET /events/{selector}` or `GET /events?topic=...`, for JSON.
pub(crate) struct HistoryRequest {
    /// Which events, and from where on: without a place, from the earliest event held.
    events: Request,
    /// Events of the answer at most.
    limit: usize,
}

impl HistoryRequest {
    /// `rest` is what stands after `/events/`; `limit_max` bounds the events of one page.
    pub(crate) fn parse(
        parts: &Parts,
        rest: Option<&str>,
        bounds: &PositionBounds<'_>,
        limit_max: usize,
    ) -> Result<Self, Problem> {
        let query = Query::parse(parts.uri.query().unwrap_or(""), KNOWN)?;
        let limit = query
            .one("limit")?
            .map(|text| limit(text, limit_max))
            .transpose()?
            .unwrap_or(HISTORY_EVENTS_DEFAULT);
        let from = match position(bounds, &parts.headers, &query)? {
            Position::Now => Position::Earliest,
            position => position,
        };
        let events = Request { selectors: selectors(rest, &query)?, from, on_gap: on_gap(&query)? };
        Ok(Self { events, limit })
    }
}

/// Answers with one page.
pub(crate) async fn history(front: &Front, request: HistoryRequest) -> Result<Response<Body>, Problem> {
    let HistoryRequest { events, limit } = request;
    let history = front.hub().history(events, limit).await.map_err(|error| unreadable(&error))?;
    let page = HistoryPage {
        events: history.events.iter().map(EventDocument::new).collect(),
        cursor: history.cursor.to_string(),
        more: history.more,
        partial: history.partial,
        gap: history.gap.as_ref().map(GapDocument::from),
    };
    let mut response = json::response(StatusCode::OK, &page);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    headers.append(VARY, HeaderValue::from_static("Accept"));
    if let Some(gap) = &history.gap {
        headers.insert(GAP, gap_header(gap));
    }
    Ok(response)
}

/// The answer.
#[derive(Serialize)]
struct HistoryPage<'a> {
    events: Vec<EventDocument<'a>>,
    /// To go on after it: the next request's `last_event_id`.
    cursor: String,
    /// Whether there is more after it now.
    more: bool,
    /// Whether `last` was asked for and the search for it ended too early. Absent if it did not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<GapDocument<'a>>,
}

fn limit(text: &str, limit_max: usize) -> Result<usize, Problem> {
    let limit = text.parse().ok().filter(|limit| (1..=limit_max).contains(limit));
    let refuse = || {
        Problem::new(ProblemType::BadLimit, format!("`limit` is a number of events from 1 to {limit_max}"))
    };
    limit.ok_or_else(refuse)
}
