//! A page of history as JSON, with the cursor to go on from.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{TryFutureExt, stream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, VARY};
use http::request::Parts;
use http::{HeaderValue, Response};
use tidings_access::{Credential, Grants};
use tidings_core::{
    Cursor, Dismissal, Event, Follower, History, Position, Request, Session, Transport, Upcoming, Visitor,
};
use tokio::time::sleep;

use super::gap::{GAP, gap_header};
use super::history_pieces::HistoryPieces;
use super::problem::{too_many_selectors, unreadable};
use super::subscribe_request::{opening, told};
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::budget::Taken;
use crate::connection::interruption::Interruption;
use crate::front::Front;
use crate::limits::{ANSWER_RETRY_SECONDS, HISTORY_EVENTS_DEFAULT};
use crate::request::mode::{Mode, wait};
use crate::request::path::selectors;
use crate::request::position::{PositionBounds, on_gap, position};
use crate::request::query::Query;
use crate::stream::expiry;
use crate::stream::permits::{StreamPermit, StreamPermits};

pub(crate) const KNOWN: &[&str] = &[
    "topic",
    "last_event_id",
    "lastEventId",
    "since",
    "last",
    "on_gap",
    "limit",
    "after",
    "opening",
    "with",
    "envelope",
    "mode",
    "wait",
];

/// `GET /events/{selector}` or `GET /events?topic=...`, for JSON.
pub(crate) struct HistoryRequest {
    /// Which events, and from where on: without a place, from the earliest event held.
    pub(crate) events: Request,
    /// Events of the answer at most.
    limit: usize,
    /// How long an empty page waits for an event.
    wait: Duration,
    /// What let the reader in, and the name of what it has shown.
    session: Option<Arc<Session>>,
    credential: Option<Credential>,
    /// Put among the request's extensions by the connections of our own server: a page that waits needs a permit, as a stream does.
    permits: Option<StreamPermits>,
    /// What ends the wait early: the client may have left.
    interruption: Interruption,
}

impl HistoryRequest {
    /// `rest` is what stands after `/events/`; `limit_max` bounds the events of one page.
    pub(crate) fn parse(
        parts: &Parts,
        query: &Query<'_>,
        rest: Option<&str>,
        bounds: &PositionBounds<'_>,
        limit_max: usize,
    ) -> Result<Self, Problem> {
        let limit = query
            .one("limit")?
            .map(|text| limit(text, limit_max))
            .transpose()?
            .unwrap_or(HISTORY_EVENTS_DEFAULT);
        let from = position(bounds, &parts.headers, query)?.unwrap_or(Position::Earliest);
        // They are for streams. A client may ask for one URL both ways, so here they are checked and mean nothing.
        opening(query)?;
        told(query)?;
        Mode::parse(query)?;
        let wait = wait(query)?.unwrap_or_default();
        let events = Request { selectors: selectors(rest, query)?, from, on_gap: on_gap(query)? };
        let permits = parts.extensions.get().cloned();
        let interruption = parts.extensions.get().cloned().unwrap_or_default();
        Ok(Self { events, limit, wait, session: None, credential: None, permits, interruption })
    }

    /// Takes note of the grants that have let the reader in: it does not wait beyond their end.
    pub(crate) fn let_in_by(&mut self, front: &Front, grants: &Grants) {
        self.session = front.session_of(grants);
        self.credential = grants.credential.clone();
    }

    /// The right to wait: one of the streams of the hub, and of those of its user, key or address.
    fn permit(&self, front: &Front) -> Result<Option<StreamPermit>, Problem> {
        let user = self.session.as_ref().and_then(|session| session.user.as_deref());
        let sender = front.shares().sender(user, self.credential.as_ref(), front.client());
        let share = front.shares().begin_stream(sender).map_err(|limited| {
            Problem::new(ProblemType::TooManyStreams, limited.detail()).with_retry_after(limited.wait)
        })?;
        let permit = self.permits.as_ref().map(|permits| permits.take().ok_or_else(no_room)).transpose()?;
        Ok(StreamPermit::with_share(permit, share))
    }
}

/// Answers with one page.
pub(crate) async fn history(front: &Front, request: HistoryRequest) -> Result<Response<Body>, Problem> {
    let (mut history, mut taken) = admitted(front, request.events.clone(), request.limit).await?;
    if says_nothing(&history) && !request.wait.is_zero() {
        drop(taken);
        let _permit = request.permit(front)?;
        let HistoryRequest { mut events, limit, wait, session, interruption, .. } = request;
        events.from = Position::Id(history.cursor.to_string());
        tokio::select! {
            came = something_comes(front, &events, history.cursor, session, wait) => came?,
            () = interruption.comes() => {}
        }
        (history, taken) = admitted(front, events, limit).await?;
    }
    let gap = history.gap.as_ref().map(gap_header);
    let mut pieces = HistoryPieces::new(history);
    let first = pieces.next().unwrap_or_default();
    let body = if pieces.is_done() {
        taken.shrink_to(first.len());
        Body::full(first)
    } else {
        Body::stream(stream::iter(std::iter::once(first).chain(pieces)))
    };
    let mut response = head();
    *response.body_mut() = body.taking(taken);
    if let Some(gap) = gap {
        response.headers_mut().insert(GAP, gap);
    }
    Ok(response)
}

/// Whether a page tells its reader nothing but a place.
fn says_nothing(history: &History) -> bool {
    let History { events, gap, partial, more, .. } = history;
    events.is_empty() && gap.is_none() && !partial && !more
}

/// Waits until there may be an event after a place, at most for a time. Nothing of it is held meanwhile but a subscription.
async fn something_comes(
    front: &Front,
    events: &Request,
    after: Cursor,
    session: Option<Arc<Session>>,
    wait: Duration,
) -> Result<(), Problem> {
    let attendance = front.hub().roster().attend(&events.selectors).map_err(too_many_selectors)?;
    let follower = Follower::new(events.selectors.clone(), events.on_gap, after);
    let (address, transport) = (front.peer(), Transport::LongPoll);
    let visitor = Visitor { session: session.clone(), address, transport };
    let mut subscription = front.hub().follow(follower, visitor, attendance).in_pieces_of(1);
    let comes = async {
        loop {
            match subscription.upcoming().await.map_err(|error| unreadable(&error))? {
                Upcoming::Delivery(_) | Upcoming::End => return Ok::<_, Problem>(()),
                Upcoming::Nothing => subscription.rung().await,
            }
        }
    };
    let left = session.as_ref().and_then(|session| session.until);
    let left = left.map(|until| Duration::from_millis(until.0.saturating_sub(front.clock().now().0)));
    tokio::select! {
        came = comes => came?,
        () = sleep(left.map_or(wait, |left| left.min(wait))) => {}
        () = front.drain().begun() => {}
    }
    let is_over = subscription.dismissed() == Some(Dismissal::AccessEnded);
    if is_over || expiry::ending(session.as_deref(), front.clock().now()).is_some() {
        let reason = expiry::reason(session.as_deref(), front.clock().now());
        return Err(Problem::invalid_credentials(&reason));
    }
    Ok(())
}

/// The answer without a page, as to `HEAD`: its length and its gap are not worth the reading.
pub(crate) fn head() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    headers.append(VARY, HeaderValue::from_static("Accept"));
    response
}

/// Reads a page, and takes what it holds from the budget of answers. A page for which there is no room is forgotten, so
/// that those that wait hold nothing, and read again.
async fn admitted(front: &Front, events: Request, limit: usize) -> Result<(History, Taken), Problem> {
    let read = || front.hub().history(events.clone(), limit).map_err(|error| unreadable(&error));
    let history = read().await?;
    let bytes = bytes_of(&history);
    if let Some(taken) = front.answers().try_take(bytes) {
        return Ok((history, taken));
    }
    drop(history);
    let mut taken = front.answers().take(bytes).await.ok_or_else(answers_full)?;
    let history = read().await?;
    let more = bytes_of(&history).saturating_sub(bytes);
    if more > 0 && !taken.try_grow(more) {
        return Err(answers_full());
    }
    Ok((history, taken))
}

fn bytes_of(history: &History) -> usize {
    history.events.iter().map(|event| size_of::<Event>() + event.draft.bytes()).sum()
}

fn no_room() -> Problem {
    let detail =
        "there is no room for another stream, nor for a page that waits; ask without `wait`, or later";
    Problem::new(ProblemType::TooManyConnections, detail).with_header(RETRY_AFTER, "5")
}

/// Answers hold as many bytes as they may.
pub(crate) fn answers_full() -> Problem {
    let detail = "answers that are not read hold as many bytes as `answers_bytes_max` says; try again soon";
    Problem::new(ProblemType::AnswersFull, detail).with_header(RETRY_AFTER, ANSWER_RETRY_SECONDS)
}

fn limit(text: &str, limit_max: usize) -> Result<usize, Problem> {
    let limit = text.parse().ok().filter(|limit| (1..=limit_max).contains(limit));
    let refuse = || {
        Problem::new(ProblemType::BadLimit, format!("`limit` is a number of events from 1 to {limit_max}"))
    };
    limit.ok_or_else(refuse)
}
