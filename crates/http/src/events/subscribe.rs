//! A subscribe, from the request to the stream's first bytes: who is let in, where it begins, and what carries it.

use std::time::Duration;

use futures_util::stream::poll_fn;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Response, Version};
use tidings_core::roster::Attendance;
use tidings_core::{Cursor, Follower, Located, Visitor};

use super::admission::{Room, admit, send_away};
use super::beginning::Beginning;
use super::gap::{GAP, gap_header};
use super::poll::{self, Poll};
use super::problem::{too_many_selectors, unreadable};
use super::stream_head::head_of_stream;
use super::subscribe_request::SubscribeRequest;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::front::Front;
use crate::lane::Framing;
use crate::lane::parking::{Leave, Parking};
use crate::stream::beside::Beside;
use crate::stream::gzip::{Coded, Coding, blocks};
use crate::stream::task::{self, Carried};
use crate::websocket;
use crate::websocket::socket::Socket;

/// Tells that fewer of the newest events come than were asked for, though there may be more.
const PARTIAL: HeaderName = HeaderName::from_static("tidings-partial");

/// Answers with the head of a stream, and a body that begins with the stream's opening.
pub(crate) async fn subscribe(
    front: &Front,
    mut request: SubscribeRequest,
) -> Result<Response<Body>, Problem> {
    if let Some(address) = front.address_beyond_proxies() {
        request.comes_from(address);
    }
    request.choose_coding(front);
    if request.head_only {
        return Ok(head_of_stream(&request));
    }
    let room = match admit(front, &request).await {
        Ok(room) => room,
        Err(why) => return send_away(front, &request, why),
    };
    let events = &request.events;
    front.check_room_for_presence(&events.selectors)?;
    let attendance = front.hub().roster().attend(&events.selectors).map_err(too_many_selectors)?;
    let located = front.hub().locate(events).await.map_err(|error| unreadable(&error))?;
    let mut response = head_of_stream(&request);
    tell_where(response.headers_mut(), &located);
    let beginning = Beginning::of(front, &request, &located, attendance.id());
    carry(front, response, Begun { request, room, attendance, place: located.place, beginning }).await
}

/// What a program learns from the head, so that it need not read the stream for it.
fn tell_where(headers: &mut HeaderMap, located: &Located) {
    if let Some(gap) = &located.gap {
        headers.insert(GAP, gap_header(gap));
    }
    if located.partial.is_some() {
        headers.insert(PARTIAL, HeaderValue::from_static("true"));
    }
}

/// A stream that has room and a place, and that something has to carry now.
struct Begun {
    request: SubscribeRequest,
    room: Room,
    attendance: Attendance,
    place: Cursor,
    beginning: Beginning,
}

/// Gives the stream to what carries it: a socket, an answer that ends, a lane, or a task of its own.
async fn carry(front: &Front, mut response: Response<Body>, begun: Begun) -> Result<Response<Body>, Problem> {
    let Begun { request, room: permit, attendance, place, beginning } = begun;
    let SubscribeRequest {
        events,
        encoder,
        mode,
        version,
        coding,
        parking_slot,
        session,
        watch,
        entry,
        interruption,
        socket,
        ..
    } = request;
    let Beginning { bytes: opening, is_opened, tells_place, is_news } = beginning;
    let (opening, coded) = match coding {
        Some(Coding::Gzip) => {
            let (bytes, sum) = blocks::begin(&opening);
            (bytes.into(), Coded::Gzip(sum))
        }
        Some(Coding::Identity | Coding::Messages) | None => (opening, Coded::Identity),
    };
    let follower = Follower::new(events.selectors, events.on_gap, place);
    if let Some((handshake, access)) = socket {
        let (front, deflates) = (front.clone(), handshake.deflates());
        let socket =
            Socket { front, follower, opening, attendance, session, permit, entry, access, deflates };
        return Ok(websocket::socket::begin(handshake, socket));
    }
    *response.body_mut() = if let Some(transport) = mode.transport() {
        let wait = if is_news { Duration::ZERO } else { mode.wait() };
        let (is_told, gzip) = (tells_place, coded.sum());
        let poll = Poll {
            follower,
            attendance,
            session,
            encoder,
            gzip,
            transport,
            opening,
            is_told,
            wait,
            interruption,
        };
        poll::poll(front, poll).await?
    } else if let Some(slot) = parking_slot {
        let framing = if version == Version::HTTP_11 { Framing::Chunked } else { Framing::Raw };
        let leave = Leave {
            follower,
            is_opened,
            beside: None,
            encoder,
            framing,
            coded,
            attendance,
            session,
            permit,
            entry,
        };
        let mut parking = Parking::new(opening, leave, slot);
        Body::stream(poll_fn(move |_| parking.poll_opening()))
    } else {
        let address = front.peer();
        let visitor = Visitor { session: session.clone(), address, transport: encoder.transport() };
        let beside = Beside::watch(front.hub(), follower.selectors());
        let subscription = front.hub().follow(follower, visitor, attendance);
        let (opening, encoding) = (Some(opening), encoder.in_use(front.hub()));
        let carried = Carried {
            opening,
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
    };
    Ok(response)
}
