//! What publishers and readers are told when the hub does not take their events, or cannot read its log.

use http::header::RETRY_AFTER;
use tidings_core::roster::TooManySelectors;
use tidings_core::{DraftError, PublishError, StoreError};

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::shares::Limited;

/// Why the hub does not take a draft.
pub(crate) fn bad_draft(error: &DraftError) -> Problem {
    let problem_type = match error {
        DraftError::DataTooLong { .. } => ProblemType::TooLarge,
        DraftError::DataNotUtf8 { .. } => ProblemType::DataNotUtf8,
        DraftError::TypeTooLong { .. } | DraftError::TypeControl { .. } | DraftError::TypeNotOwn => {
            ProblemType::BadEventType
        }
        DraftError::TypeReserved => ProblemType::ReservedEventType,
        DraftError::IdReserved => ProblemType::ReservedId,
        DraftError::RetryTooLong => ProblemType::BadRetry,
        DraftError::Key | DraftError::Credential => ProblemType::BadIdempotencyKey,
        _ => ProblemType::BadId,
    };
    Problem::new(problem_type, error.to_string())
}

/// Why a publish failed. What the client is told does not show the hub's insides; the log has them.
pub(crate) fn not_published(error: PublishError) -> Problem {
    match error {
        PublishError::KeyReused { .. } => {
            let detail = "this idempotency key was used for another event; use a new key for a new event";
            Problem::new(ProblemType::IdempotencyKeyReused, detail)
        }
        PublishError::BatchAt(_) => another_batch(),
        PublishError::Busy => {
            let detail = "more is being published than the disk can take; send it again in a moment";
            Problem::new(ProblemType::Busy, detail).with_header(RETRY_AFTER, "1")
        }
        PublishError::Store(StoreError::Full(_)) => {
            let detail = "the hub's disk is full; nothing was published, try again later";
            Problem::new(ProblemType::StoreFull, detail).with_header(RETRY_AFTER, "10")
        }
        error => {
            tracing::warn!(%error, "a publish failed");
            let detail = "the hub cannot take events at the moment; try again, with the same idempotency key";
            Problem::new(ProblemType::Unavailable, detail).with_header(RETRY_AFTER, "1")
        }
    }
}

/// A publisher is over a limit of its share.
pub(crate) fn too_many_publishes(limited: &Limited) -> Problem {
    let detail = format!("{}; send it again later", limited.detail());
    Problem::new(ProblemType::TooManyPublishes, detail).with_retry_after(limited.wait)
}

/// The idempotency key of a batch belongs to something else that was published.
pub(crate) fn another_batch() -> Problem {
    let detail = "this idempotency key was used for other events; use a new key for a new batch";
    Problem::new(ProblemType::IdempotencyKeyReused, detail)
}

/// The log lost events of a batch while the rest of it was published.
pub(crate) fn went_back() -> Problem {
    let detail = "the hub has lost a part of this batch; send it again, with the same idempotency key";
    Problem::new(ProblemType::Unavailable, detail).with_header(RETRY_AFTER, "1")
}

/// The hub takes no events any more.
pub(crate) fn ending() -> Problem {
    let detail = "the hub is ending; try again in a moment";
    Problem::new(ProblemType::Ending, detail).with_header(RETRY_AFTER, "2")
}

/// All subscriptions together have too many selectors.
pub(crate) fn too_many_selectors(error: TooManySelectors) -> Problem {
    Problem::new(ProblemType::TooManySelectors, error.to_string()).with_header(RETRY_AFTER, "5")
}

/// The log cannot be read.
pub(crate) fn unreadable(error: &StoreError) -> Problem {
    tracing::error!(%error, "the store cannot be read");
    let detail = "the hub cannot read its log at the moment; try again";
    Problem::new(ProblemType::Unavailable, detail).with_header(RETRY_AFTER, "1")
}
