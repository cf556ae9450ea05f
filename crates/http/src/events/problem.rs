//! What publishers and readers are told when the hub does not take their events, or cannot read its log.

use http::StatusCode;
use http::header::RETRY_AFTER;
use tidings_core::{DraftError, PublishError, StoreError};

use crate::answer::problem::Problem;

/// Why the hub does not take a draft.
pub(crate) fn bad_draft(error: &DraftError) -> Problem {
    let (status, kind) = match error {
        DraftError::DataTooLong { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
        DraftError::DataNotUtf8 { .. } => (StatusCode::BAD_REQUEST, "data-not-utf8"),
        DraftError::TypeTooLong { .. } | DraftError::TypeControl => {
            (StatusCode::BAD_REQUEST, "bad-event-type")
        }
        DraftError::TypeReserved => (StatusCode::BAD_REQUEST, "reserved-event-type"),
        DraftError::IdReserved => (StatusCode::BAD_REQUEST, "reserved-id"),
        DraftError::RetryTooLong => (StatusCode::BAD_REQUEST, "bad-retry"),
        DraftError::Key => (StatusCode::BAD_REQUEST, "bad-idempotency-key"),
        _ => (StatusCode::BAD_REQUEST, "bad-id"),
    };
    Problem::new(status, kind, error.to_string())
}

/// Why a publish failed. What the client is told does not show the hub's insides; the log has them.
pub(crate) fn not_published(error: PublishError) -> Problem {
    match error {
        PublishError::Draft(error) => bad_draft(&error),
        PublishError::KeyReused { .. } => {
            let detail = "this idempotency key was used for another event; use a new key for a new event";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", detail)
        }
        PublishError::Busy => {
            let detail = "more is being published than the disk can take; send it again in a moment";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail).with_header(RETRY_AFTER, "1")
        }
        PublishError::Store(StoreError::Full(_)) => {
            let detail = "the hub's disk is full; nothing was published, try again later";
            Problem::new(StatusCode::INSUFFICIENT_STORAGE, "store-full", detail)
                .with_header(RETRY_AFTER, "10")
        }
        error => {
            tracing::warn!(%error, "a publish failed");
            let detail = "the hub cannot take events at the moment; try again, with the same idempotency key";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).with_header(RETRY_AFTER, "1")
        }
    }
}

/// The hub takes no events any more.
pub(crate) fn ending() -> Problem {
    let detail = "the hub is ending; try again in a moment";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ending", detail).with_header(RETRY_AFTER, "2")
}

/// The log cannot be read.
pub(crate) fn unreadable(error: &StoreError) -> Problem {
    tracing::error!(%error, "the store cannot be read");
    let detail = "the hub cannot read its log at the moment; try again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).with_header(RETRY_AFTER, "1")
}
