//! Why a stream is not there, and what to try.

use tidings_client::Error;

use super::hub::{hinted, is_of_reserved_topic};
use crate::terminal::chain::chain;
use crate::terminal::failure::{Exit, Failure};

/// The stream has failed for good. `access` is what to try if it was refused because nobody has said who asks.
pub(super) fn failed(error: &Error, access: Option<&str>) -> Failure {
    let failure = Failure::new(Exit::Failed, chain(error));
    match error {
        Error::Connect { .. } => hinted(failure, Some("is a server listening there?")),
        Error::Broken { .. } => hinted(failure, None),
        Error::LastEventId { .. } => failure
            .hint("HTTP has no control characters in headers; --last-event-id can go on after another one"),
        Error::Status(refusal) => match refusal.status.as_u16() {
            403 if refusal.problem().is_some_and(|problem| is_of_reserved_topic(&problem)) => failure,
            401 | 403 => match access {
                Some(hint) => failure.hint(hint),
                None => failure,
            },
            404 => failure.hint("is the path right? a hub's topics are at /events/TOPIC"),
            _ => failure,
        },
        Error::ContentType(_) => failure.hint("this URL answers with something else than a stream of events"),
        Error::TooLarge(_) => failure.hint("--max-event-bytes allows more"),
        _ => failure,
    }
}
