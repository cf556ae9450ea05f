//! What the hub says beside events, as documents of JSON: the words of all formats that are made of such documents.
//!
//! A reader tells them apart by their members. A document with `cursor` tells a place, one with `gap` declares a gap, one with
//! `error` has a problem, and any other is an event, or one of the hub's own with a type that begins with `tidings.`.

use std::time::Duration;

use serde::Serialize;
use tidings_core::{Cursor, Gap};

use super::{FirstBlock, FirstBytes, Whereabouts};
use crate::answer::document::{GapDocument, OpenDocument, PartialDocument, milliseconds};
use crate::answer::json;
use crate::answer::problem::{Problem, ProblemDocument};

/// The first document of a stream. A gap stands in it: one that came in a document of its own might not arrive after the place
/// has, and the client would go on from there without having heard of it.
#[derive(Serialize)]
struct FirstDocument<'a> {
    #[serde(flatten)]
    open: OpenDocument,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<GapDocument<'a>>,
}

#[derive(Serialize)]
struct HeartbeatDocument {
    cursor: String,
    heartbeat_ms: u64,
}

#[derive(Serialize)]
struct CursorWord {
    cursor: String,
}

#[derive(Serialize)]
struct GapWord<'a> {
    gap: GapDocument<'a>,
}

#[derive(Serialize)]
struct ErrorWord {
    error: ProblemDocument,
}

#[derive(Serialize)]
struct OwnEventWord<'a> {
    #[serde(rename = "type")]
    event_type: &'a str,
    data: &'a str,
}

#[derive(Serialize)]
struct FarewellWord {
    cursor: String,
    /// The delay after which the client should come back.
    retry_ms: u64,
}

#[derive(Serialize)]
struct ComeBackWord {
    retry_ms: u64,
}

/// The first documents of a stream.
pub(super) fn opening(first: &FirstBytes<'_>) -> Vec<String> {
    let open = document(first.whereabouts);
    match first.block {
        FirstBlock::Place | FirstBlock::Later => vec![json::text(&open)],
        FirstBlock::Gap(gap) => vec![json::text(&FirstDocument { open, gap: Some(gap.into()) })],
        FirstBlock::Partial(partial) => {
            let partial = own_event("tidings.partial", &json::text(&PartialDocument::from(partial)));
            vec![json::text(&open), partial]
        }
    }
}

/// Tells where the client stands, and what it is called.
pub(super) fn open(whereabouts: Whereabouts) -> String {
    json::text(&document(whereabouts))
}

/// Tells where the client stands.
pub(super) fn cursor(place: Cursor) -> String {
    json::text(&CursorWord { cursor: place.to_string() })
}

/// Says that the hub is there, and where the client stands.
pub(super) fn heartbeat(Whereabouts { place, heartbeat, .. }: Whereabouts) -> String {
    json::text(&HeartbeatDocument { cursor: place.to_string(), heartbeat_ms: milliseconds(heartbeat) })
}

/// Declares events that are gone.
pub(super) fn gap(gap: &Gap) -> String {
    json::text(&GapWord { gap: gap.into() })
}

/// An event of the hub's own. Its data is text, as that of every event.
pub(super) fn own_event(event_type: &str, data: &str) -> String {
    json::text(&OwnEventWord { event_type, data })
}

/// What went wrong.
pub(super) fn error(problem: Problem) -> String {
    json::text(&ErrorWord { error: problem.into_document() })
}

/// When to come back, and where to go on.
pub(super) fn farewell(place: Cursor, retry: Duration) -> String {
    json::text(&FarewellWord { cursor: place.to_string(), retry_ms: milliseconds(retry) })
}

/// When to come back to a hub that had no stream, and so told no place.
pub(super) fn come_back(retry: Duration) -> String {
    json::text(&ComeBackWord { retry_ms: milliseconds(retry) })
}

fn document(whereabouts: Whereabouts) -> OpenDocument {
    let Whereabouts { place, connection, heartbeat, time } = whereabouts;
    OpenDocument::new(place, connection, heartbeat, time)
}
