//! A subscribe, from the request to the stream's first bytes: who is let in, where it begins, and what carries it.

use std::time::Duration;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Response};
use tidings_core::{Follower, Located};

use super::beginning::Beginning;
use super::carry::{Begun, Entered, carry, coded, enter};
use super::gap::{GAP, gap_header};
use super::poll::{self, Poll};
use super::problem::unreadable;
use super::stream_head::head_of_stream;
use super::subscribe_request::SubscribeRequest;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::front::Front;
use crate::websocket;
use crate::websocket::socket::Socket;

/// Tells that fewer of the newest events come than were asked for, though there may be more.
const PARTIAL: HeaderName = HeaderName::from_static("tidings-partial");

/// Answers with the head of a stream, and a body that begins with the stream's opening.
pub(crate) async fn subscribe(
    front: &Front,
    mut request: SubscribeRequest,
) -> Result<Response<Body>, Problem> {
    let (room, attendance) = match enter(front, &mut request).await? {
        Entered::Stream(room, attendance) => (room, attendance),
        Entered::Answered(response) => return Ok(response),
    };
    let events = &request.events;
    let located = front.hub().locate(events).await.map_err(|error| unreadable(&error))?;
    let mut response = head_of_stream(&request);
    tell_where(response.headers_mut(), &located);
    let beginning = Beginning::of(front, &request, &located, attendance.id());
    let Beginning { bytes: opening, is_opened, tells_place, is_news } = beginning;
    let (opening, coded) = coded(opening, request.coding);
    let SubscribeRequest { events, .. } = &request;
    let follower = Follower::new(events.selectors.clone(), events.on_gap, located.place);
    if let Some((handshake, access)) = request.socket.take() {
        let SubscribeRequest { session, entry, .. } = request;
        let (front, deflates, permit) = (front.clone(), handshake.deflates(), room);
        let socket =
            Socket { front, follower, opening, attendance, session, permit, entry, access, deflates };
        return Ok(websocket::socket::begin(handshake, socket));
    }
    *response.body_mut() = match request.mode.transport() {
        Some(transport) => {
            let wait = if is_news { Duration::ZERO } else { request.mode.wait() };
            let (is_told, gzip) = (tells_place, coded.sum());
            let SubscribeRequest { session, encoder, interruption, .. } = request;
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
        }
        None => carry(
            front,
            Begun { request, room, attendance, follower, opening, coded, is_opened, inbox: None },
        ),
    };
    Ok(response)
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
