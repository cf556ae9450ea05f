//! What an answer is made of, whichever URL it answers.
//!
//! A body of bytes at once or of a stream, JSON, events and gaps as JSON, and the problem documents of RFC 9457 with the list of their types.
//! This folder knows no request and no route.

pub(crate) mod body;
pub(crate) mod document;
pub(crate) mod json;
pub(crate) mod problem;
pub(crate) mod problem_type;
