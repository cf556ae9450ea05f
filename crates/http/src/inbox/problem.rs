//! Why the inbox does not do what a request asks for.

use std::borrow::Cow;

use http::header::RETRY_AFTER;
use percent_encoding::percent_decode_str;
use tidings_core::Cursor;
use tidings_inbox::{BadNotification, InboxError, User, check_kind};

use crate::access::shown::shown;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::events::problem::not_published;
use crate::request::escape::broken_escape;

/// A part of a path, decoded. Its fault is told as one of what it names.
fn decoded<'a>(text: &'a str, what: &str, problem_type: ProblemType) -> Result<Cow<'a, str>, Problem> {
    if let Some(broken) = broken_escape(text) {
        return Err(Problem::new(problem_type, format!("{what} has {broken}")));
    }
    let not_text =
        |_| Problem::new(problem_type, format!("{what} is percent-encoded UTF-8, and this is not"));
    percent_decode_str(text).decode_utf8().map_err(not_text)
}

/// The user of a path, still encoded.
pub(super) fn user(text: &str) -> Result<User, Problem> {
    named_user(&decoded(text, "the name of the user", ProblemType::BadUser)?)
}

/// The id of an item in a path, still encoded.
pub(super) fn item_of_path(text: &str) -> Result<Cursor, Problem> {
    item(&decoded(text, "the id of the item", ProblemType::BadItem)?)
}

/// A kind in a path, still encoded.
pub(super) fn kind_of_path(text: &str) -> Result<String, Problem> {
    let kind = decoded(text, "the kind", ProblemType::BadNotification)?;
    check_kind(&kind).map_err(|error| bad_notification(&error))?;
    Ok(kind.into_owned())
}

/// What is told where there is no inbox.
pub(crate) fn none() -> Problem {
    let detail = "this hub has no inbox: it was started with --inbox=false (`inbox = false` in its file), or a program that serves it \
                  has given it none";
    Problem::new(ProblemType::NotFound, detail)
}

/// What a path that names nothing is told, if it begins as one of an inbox.
pub(crate) fn nothing_at(path: &str) -> Option<Problem> {
    path.strip_prefix("/inbox/")?;
    let detail = "there is nothing here; an inbox is at /inbox/{user}, where the user is one segment with / written as %2F, and below it \
                  are /count, /read, /unread, /seen, /archive, /mute, /follows and the ids of notifications, without a slash at the end";
    Some(Problem::new(ProblemType::NotFound, detail))
}

/// A user that is named by itself.
pub(super) fn named_user(name: &str) -> Result<User, Problem> {
    User::parse(name).map_err(|error| Problem::new(ProblemType::BadUser, error.to_string()))
}

/// The id of an item.
pub(super) fn item(text: &str) -> Result<Cursor, Problem> {
    let refused = || {
        let detail = format!(
            "the id of an item is what the list tells as `id`, such as 1k3f-40, and not `{}`",
            shown(text.as_bytes())
        );
        Problem::new(ProblemType::BadItem, detail)
    };
    text.parse().map_err(|_| refused())
}

/// A notification that is not what it must be.
pub(super) fn bad_notification(error: &BadNotification) -> Problem {
    Problem::new(ProblemType::BadNotification, error.to_string())
}

/// Why the inbox did not do it. What the client is told does not show the hub's insides; the log has them.
pub(super) fn not_done(error: InboxError) -> Problem {
    match error {
        InboxError::Publish(error) => not_published(error),
        InboxError::TooLarge(error) => Problem::new(ProblemType::TooLarge, error.to_string()),
        InboxError::TooManyFollowers { .. } => Problem::new(ProblemType::TooLarge, error.to_string()),
        InboxError::Key(error) => Problem::new(ProblemType::BadIdempotencyKey, error.to_string()),
        InboxError::KeyReused => {
            let detail =
                "this idempotency key was used for something else; use a new key for a new notification";
            Problem::new(ProblemType::IdempotencyKeyReused, detail)
        }
        InboxError::Behind => {
            let detail = "the log has it, and the inbox shows it later: its database is behind. Do not send it again without the \
                          same Idempotency-Key";
            Problem::new(ProblemType::InboxNotReady, detail).with_header(RETRY_AFTER, "10")
        }
        InboxError::TooMany { .. } | InboxError::TooManyPatterns => {
            Problem::new(ProblemType::TooManyPreferences, error.to_string())
        }
        InboxError::NotReady => {
            let detail = "the hub is making its inboxes from its log; try again in a moment";
            Problem::new(ProblemType::InboxNotReady, detail).with_header(RETRY_AFTER, "2")
        }
        error => {
            tracing::error!(%error, "the inbox failed");
            let detail = "the hub cannot read or change its inboxes at the moment; try again";
            Problem::new(ProblemType::Unavailable, detail).with_header(RETRY_AFTER, "1")
        }
    }
}
