//! The `Idempotency-Key` header, by which a publisher makes a repetition safe.

use http::{HeaderMap, HeaderValue};
use tidings_core::DraftError;

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The key, with or without the quotes that a structured field has.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let lines = headers.get_all(IDEMPOTENCY_KEY).iter().count();
    if lines > 1 {
        return Err(Problem::repeated(ProblemType::BadIdempotencyKey, IDEMPOTENCY_KEY, lines));
    }
    let key = headers.get(IDEMPOTENCY_KEY).map(HeaderValue::to_str).transpose();
    let key = key.map_err(|_| Problem::new(ProblemType::BadIdempotencyKey, DraftError::Key.to_string()))?;
    Ok(key.map(|key| key.trim_matches('"')))
}
