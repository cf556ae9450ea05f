//! `GET /inbox/{user}` for a stream: its first block is the count, then comes what was missed, then what happens.
//!
//! What every stream has, this one has by the same code: who finds room, the head, the roster, heartbeats and the end. It differs in what it is
//! told, which is in [`task_inbox`](super::task_inbox), and in its place, which is that of the inbox.

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use tidings_core::limits::EVENT_ID_BYTES_MAX;
use tidings_core::{
    ConnectionId, Cursor, Follower, Gap, Lost, OnGap, Position, Request, Selector, Selectors, Sequence,
};
use tidings_inbox::{Inbox, InboxError, User};

use super::blocks::{self, Told};
use super::poll;
use super::problem::not_done;
use super::task_inbox::TaskInbox;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::events::admission::later;
use crate::events::beginning::retry;
use crate::events::carry::{Begun, Entered, carry, coded, enter};
use crate::events::gap::{GAP, gap_header};
use crate::events::stream_head::head_of_stream;
use crate::events::subscribe_request::SubscribeRequest;
use crate::front::Front;
use crate::limits::CHUNK_BYTES_MAX;
use crate::request::mode::Mode;
use crate::request::position::position;
use crate::request::query::Query;
use crate::stream::{FirstBlock, FirstBytes, StreamFormat, Whereabouts};
use crate::websocket::handshake;

/// The parameters of a stream of an inbox. Clients say `with=time` at every stream; an item has its time in any case.
pub(super) const KNOWN: &[&str] = &["last_event_id", "lastEventId", "opening", "with", "mode", "wait"];

/// Where a reader comes from.
pub(super) enum After {
    /// It has seen nothing.
    Nothing,
    /// It has seen all up to here.
    Place(Sequence),
    /// It has seen something that cannot be gone on from.
    Lost { requested: String, lost: Lost },
}

/// What a reader comes in with.
pub(super) struct Come {
    pub(super) inbox: TaskInbox,
    pub(super) told: Told,
    /// What it has missed cannot be told.
    pub(super) gap: Option<Gap>,
    /// The place up to which the client has everything; none if it began without one.
    pub(super) has: Option<Cursor>,
}

/// Reads a request for a stream of a user's inbox.
pub(super) fn read(
    front: &Front,
    parts: &Parts,
    query: &Query<'_>,
    user: &User,
    format: StreamFormat,
) -> Result<SubscribeRequest, Problem> {
    if format != StreamFormat::Sse || handshake::is_asked_for(parts) {
        let detail =
            "an inbox is told as text/event-stream, or listed as application/json; accept one of them";
        return Err(Problem::new(ProblemType::NotAcceptable, detail));
    }
    if Mode::parse(query)? == Mode::Iframe {
        let detail = "for an inbox `mode` is `stream`, `poll` or `long-poll`";
        return Err(Problem::new(ProblemType::BadMode, detail));
    }
    let events = Request {
        selectors: selectors(user),
        from: position(&front.position_bounds(), &parts.headers, query)?.unwrap_or(Position::Now),
        on_gap: OnGap::Latest,
    };
    SubscribeRequest::new(parts, query, format, events)
}

/// What a reader of the inbox has subscribed to on the roster.
#[expect(clippy::expect_used, reason = "one topic is a selector, and not too many")]
pub(super) fn selectors(user: &User) -> Selectors {
    Selectors::new([Selector::Topic(user.topic())]).expect("one selector is not too many")
}

/// Answers with the head of a stream, and a body that begins with the count; or with a part of it that ends, for a poll.
pub(super) async fn subscribe(
    front: &Front,
    inbox: &Inbox,
    user: User,
    mut request: SubscribeRequest,
) -> Result<Response<Body>, Problem> {
    let (room, attendance) = match enter(front, &mut request).await? {
        Entered::Stream(room, attendance) => (room, attendance),
        Entered::Answered(response) => return Ok(response),
    };
    let come = match come(front, inbox, user, &request.events.from).await {
        Ok(come) => come,
        // Any other status than 200 would make a browser's `EventSource` give up for good.
        Err(error) => {
            let problem = not_done(error);
            return later(front, &request, problem.problem_type(), problem.detail());
        }
    };
    let mut response = head_of_stream(&request);
    if let Some(gap) = &come.gap {
        response.headers_mut().insert(GAP, gap_header(gap));
    }
    let whereabouts = whereabouts(front, come.inbox.place(), attendance.id());
    let first = FirstBytes { whereabouts, retry: retry(front, request.mode), block: FirstBlock::Later };
    let lines = request.encoder.opening(&first);
    if request.mode.ends() {
        *response.body_mut() = poll::poll(front, request, come, lines, attendance).await;
        return Ok(response);
    }
    let Come { mut inbox, told, gap, has } = come;
    let mut blocks: Bytes = blocks_of(&told, gap.as_ref());
    if request.always_opens {
        // Behind the others: it tells the place that they lead to.
        let open = request.encoder.open(whereabouts).unwrap_or_default();
        blocks = [blocks, open].concat().into();
    }
    let opening = match blocks.len() > CHUNK_BYTES_MAX {
        // They are counted while a client that does not read has them wait.
        true => {
            let from = has.unwrap_or(inbox.place());
            inbox.begin_with(blocks, from);
            lines
        }
        false => [lines, blocks].concat().into(),
    };
    let (opening, coded) = coded(opening, request.coding);
    let Request { selectors, on_gap, .. } = &request.events;
    let follower = Follower::new(selectors.clone(), *on_gap, front.hub().bounds().head);
    let inbox = Some(inbox);
    *response.body_mut() =
        carry(front, Begun { request, room, attendance, follower, opening, coded, is_opened: true, inbox });
    Ok(response)
}

/// The count, and what was missed or that it cannot be told.
pub(super) fn blocks_of(told: &Told, gap: Option<&Gap>) -> Bytes {
    match gap {
        Some(gap) => [blocks::opening_before_gap(told), blocks::gap(gap)].concat().into(),
        None => blocks::opening(told),
    }
}

/// Reads what a reader is told that comes from a place.
async fn come(front: &Front, inbox: &Inbox, user: User, from: &Position) -> Result<Come, InboxError> {
    inbox.wait_ready().await?;
    let after = after(front, inbox, from);
    let place = match &after {
        After::Place(place) => Some(*place),
        After::Nothing | After::Lost { .. } => None,
    };
    let (inbox, told) = TaskInbox::begin(inbox, user, place).await?;
    let resumes_after = inbox.place();
    let gap = match (after, from) {
        (After::Lost { requested, lost }, _) => Some(Gap { requested, lost, resumes_after }),
        (After::Place(_), Position::Id(text)) if told.update.is_gap => {
            Some(Gap { requested: text.clone(), lost: Lost::Expired, resumes_after })
        }
        (After::Place(_) | After::Nothing, _) => None,
    };
    if let Some(gap) = &gap {
        front.hub().metrics().gaps(gap.lost, 1);
    }
    let has = match (place, from) {
        (Some(_), Position::Id(text)) => text.parse().ok(),
        _ => None,
    };
    Ok(Come { inbox, told, gap, has })
}

fn after(front: &Front, inbox: &Inbox, from: &Position) -> After {
    let Position::Id(text) = from else { return After::Nothing };
    let lost = |lost| After::Lost { requested: shown(text), lost };
    let Ok(place) = text.parse::<Cursor>() else { return lost(Lost::Unknown) };
    if inbox.knows(place) {
        return After::Place(place.sequence);
    }
    match place.epoch == front.hub().bounds().head.epoch {
        // It is beyond the end of the log.
        true => lost(Lost::Unknown),
        false => lost(Lost::OtherEpoch),
    }
}

/// A text of the client's own, as it may go back to it.
fn shown(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(EVENT_ID_BYTES_MAX).collect()
}

pub(super) fn whereabouts(front: &Front, place: Cursor, connection: ConnectionId) -> Whereabouts {
    let heartbeat = front.config().heartbeat;
    Whereabouts { place, connection, heartbeat, time: front.clock().now() }
}
