//! Why the inbox does not do what a request asks for.

use http::header::RETRY_AFTER;
use tidings_core::{Cursor, DraftError};
use tidings_inbox::{BadNotification, InboxError, User};

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::events::problem::not_published;
use crate::request::path::decode;

/// The user of a path, still encoded.
pub(super) fn user(text: &str) -> Result<User, Problem> {
    named_user(&decode(text)?)
}

/// A user that is named by itself.
pub(super) fn named_user(name: &str) -> Result<User, Problem> {
    User::parse(name).map_err(|error| Problem::new(ProblemType::BadUser, error.to_string()))
}

/// The id of an item.
pub(super) fn item(text: &str) -> Result<Cursor, Problem> {
    let refused = || {
        let detail = "the id of an item is what the list tells as `id`, such as 1k3f-40";
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
        InboxError::TooLarge(DraftError::Key | DraftError::Credential) => {
            Problem::new(ProblemType::BadIdempotencyKey, DraftError::Key.to_string())
        }
        InboxError::TooLarge(error) => Problem::new(ProblemType::TooLarge, error.to_string()),
        InboxError::TooMany { .. } => Problem::new(ProblemType::TooManyPreferences, error.to_string()),
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
