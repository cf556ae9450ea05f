//! The `Idempotency-Key` header, by which a publisher makes a repetition safe.

use http::{HeaderMap, HeaderValue};
use tidings_core::DraftError;

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;

/// The key, with or without the quotes that a structured field has.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let key = keys.next().map(HeaderValue::to_str).transpose();
    match (key, keys.next()) {
        (Ok(key), None) => Ok(key.map(|key| key.trim_matches('"'))),
        _ => Err(Problem::new(ProblemType::BadIdempotencyKey, DraftError::Key.to_string())),
    }
}
