//! The beginning and the carrier of a stream, which are the same for a stream of events and for one of an inbox.

use bytes::Bytes;
use futures_util::stream::poll_fn;
use http::{Response, Version};
use tidings_core::roster::Attendance;
use tidings_core::{Follower, Visitor};

use super::admission::{Room, admit, send_away};
use super::problem::too_many_selectors;
use super::stream_head::head_of_stream;
use super::subscribe_request::SubscribeRequest;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::front::Front;
use crate::inbox::task_inbox::TaskInbox;
use crate::lane::Framing;
use crate::lane::parking::{Leave, Parking};
use crate::stream::beside::Beside;
use crate::stream::gzip::{Coded, Coding, blocks};
use crate::stream::task::{self, Carried};

/// What a subscriber who asks for a stream comes to.
pub(crate) enum Entered {
    /// It has room, and is on the roster.
    Stream(Room, Attendance),
    /// It wants the head alone, or has to come back later.
    Answered(Response<Body>),
}

/// Looks for room.
pub(crate) async fn enter(front: &Front, request: &mut SubscribeRequest) -> Result<Entered, Problem> {
    if let Some(address) = front.address_beyond_proxies() {
        request.comes_from(address);
    }
    request.choose_coding(front);
    if request.head_only {
        return Ok(Entered::Answered(head_of_stream(request)));
    }
    let room = match admit(front, request).await {
        Ok(room) => room,
        Err(why) => return send_away(front, request, why).map(Entered::Answered),
    };
    let selectors = &request.events.selectors;
    front.check_room_for_presence(selectors)?;
    let attendance = front.hub().roster().attend(selectors).map_err(too_many_selectors)?;
    Ok(Entered::Stream(room, attendance))
}

/// An opening as it is sent, and how the stream goes on from it.
pub(crate) fn coded(opening: Bytes, coding: Option<Coding>) -> (Bytes, Coded) {
    match coding {
        Some(Coding::Gzip) => {
            let (bytes, sum) = blocks::begin(&opening);
            (bytes.into(), Coded::Gzip(sum))
        }
        Some(Coding::Identity | Coding::Messages) | None => (opening, Coded::Identity),
    }
}

/// A stream without end, which something has to carry now.
pub(crate) struct Begun {
    pub(crate) request: SubscribeRequest,
    pub(crate) room: Room,
    pub(crate) attendance: Attendance,
    pub(crate) follower: Follower,
    /// As it is sent.
    pub(crate) opening: Bytes,
    pub(crate) coded: Coded,
    /// The opening has its first block.
    pub(crate) is_opened: bool,
    /// The inbox that it tells of, in place of events.
    pub(crate) inbox: Option<TaskInbox>,
}

/// Gives a stream to what carries it: a lane, or a task of its own.
pub(crate) fn carry(front: &Front, begun: Begun) -> Body {
    let Begun { request, room: permit, attendance, follower, opening, coded, is_opened, inbox } = begun;
    let SubscribeRequest { encoder, version, parking_slot, session, watch, entry, .. } = request;
    let inbox = inbox.map(|inbox| Box::new(Beside::Inbox(inbox)));
    if let Some(slot) = parking_slot {
        let framing = if version == Version::HTTP_11 { Framing::Chunked } else { Framing::Raw };
        let leave = Leave {
            follower,
            is_opened,
            beside: inbox,
            encoder,
            framing,
            coded,
            attendance,
            session,
            permit,
            entry,
        };
        let mut parking = Parking::new(opening, leave, slot);
        return Body::stream(poll_fn(move |_| parking.poll_opening()));
    }
    let visitor = Visitor { session: session.clone(), address: front.peer(), transport: encoder.transport() };
    // Nothing of the log goes to a reader of an inbox.
    let encoding = if inbox.is_some() { None } else { encoder.in_use(front.hub()) };
    let beside = inbox.or_else(|| Beside::watch(front.hub(), follower.selectors()));
    let subscription = front.hub().follow(follower, visitor, attendance);
    let carried = Carried {
        opening: Some(opening),
        is_opened,
        subscription,
        beside,
        encoder,
        encoding,
        coded,
        session,
        permit,
        watch,
    };
    Body::stream(task::stream(front.task_rules(), carried))
}
