//! The documents of JSON, each a text message of a WebSocket.

use std::time::Duration;

use bytes::Bytes;
use tidings_core::presence::Notice;
use tidings_core::{Cursor, Gap, Transport};

use super::{Dialect, FirstBytes, Heartbeat, Opening, Whereabouts, socket_frame, words};
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::presence::document;

/// Messages of a WebSocket. What closes it is written by its driver.
pub(super) struct WebSocket;

impl Dialect for WebSocket {
    fn content_type(&self) -> &'static str {
        // Of each message. The answer that opens the socket has no content.
        "application/json"
    }

    fn transport(&self) -> Transport {
        Transport::WebSocket
    }

    fn opening(&self, first: &FirstBytes<'_>, _: Opening) -> Bytes {
        words::opening(first).into_iter().map(message).collect::<Vec<_>>().concat().into()
    }

    fn open(&self, whereabouts: Whereabouts, _: Opening) -> Option<Bytes> {
        Some(message(words::open(whereabouts)))
    }

    fn cursor(&self, place: Cursor, _: Opening) -> Option<Bytes> {
        Some(message(words::cursor(place)))
    }

    fn heartbeat(&self, whereabouts: Whereabouts, _: Opening, _: bool, _: bool) -> Heartbeat {
        // A ping would do, but no page in a browser hears one.
        Heartbeat { bytes: message(words::heartbeat(whereabouts)), tells: true }
    }

    fn probe(&self) -> Bytes {
        socket_frame::probe()
    }

    fn gap(&self, gap: &Gap) -> Bytes {
        message(words::gap(gap))
    }

    fn presence(&self, notice: &Notice) -> Bytes {
        message(words::own_event("tidings.presence", &document::text(notice)))
    }

    fn expired(&self, _: Cursor, reason: &str) -> Bytes {
        message(words::error(Problem::new(ProblemType::InvalidCredentials, reason)))
    }

    fn farewell(&self, place: Cursor, retry: Duration) -> Bytes {
        message(words::farewell(place, retry))
    }
}

fn message(document: String) -> Bytes {
    socket_frame::text(document.as_bytes()).into()
}
