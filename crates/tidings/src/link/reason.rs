//! Why a stream is not there: the words, and what to try.

use tidings_client::{Error, Refusal};

use super::hub::{hint_at, is_of_reserved_topic};
use crate::limits::SAID_CHARS_MAX;
use crate::terminal::chain::{chain, visible};
use crate::terminal::failure::{Exit, Failure};

/// What failed, where, and what the server says of it.
pub(super) fn in_words(error: &Error) -> String {
    let Some(refusal) = error.refusal() else { return chain(error) };
    let (url, _) = refusal.url.split_once(['?', '#']).unwrap_or((&refusal.url, ""));
    let said = said(refusal).map_or_else(String::new, |said| format!(": {said}"));
    format!("{}{said} ({})", chain(error), visible(url))
}

/// The beginning of an answer that is for people, on one line. A problem's words are in the error already.
fn said(refusal: &Refusal) -> Option<String> {
    let is_text = |of: &str| of.starts_with("text/plain") || of.starts_with("application/json");
    if !refusal.content_type().is_some_and(is_text) || refusal.problem().is_some() {
        return None;
    }
    let line = refusal.body.split_whitespace().collect::<Vec<_>>().join(" ");
    let said: String = line.chars().take(SAID_CHARS_MAX).collect();
    (!said.is_empty()).then(|| visible(&said))
}

/// The stream has failed for good.
pub(super) fn failed(error: &Error) -> Failure {
    let failure = Failure::new(Exit::Failed, in_words(error));
    match error {
        Error::Connect { .. } => {
            failure.hint(hint_at(&chain(error)).unwrap_or("is a server listening there?"))
        }
        Error::Broken(_) => match hint_at(&chain(error)) {
            Some(hint) => failure.hint(hint),
            None => failure,
        },
        Error::LastEventId { .. } => failure
            .hint("HTTP has no control characters in headers; --last-event-id can go on after another one"),
        Error::Status(refusal) => match refusal.status.as_u16() {
            403 if refusal.problem().is_some_and(|problem| is_of_reserved_topic(&problem)) => failure,
            401 | 403 => {
                failure.hint("does it want a token? --header 'Authorization: Bearer TOKEN' sends one")
            }
            404 => failure.hint("is the path right? a hub's topics are at /events/TOPIC"),
            _ => failure,
        },
        Error::ContentType(_) => failure.hint("this URL answers with something else than a stream of events"),
        Error::TooLarge(_) => failure.hint("--max-event-bytes allows more"),
        _ => failure,
    }
}
