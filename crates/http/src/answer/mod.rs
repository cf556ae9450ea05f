//! What an answer is made of, whichever URL it answers.
//!
//! A body of bytes at once or of a stream, JSON, events and gaps as JSON, and the problem documents of RFC 9457 with the list of their types;
//! beside the body, what its carrier can see of it, and what all answers may hold.
//! This folder knows no request and no route.

pub(crate) mod body;
pub(crate) mod budget;
pub(crate) mod document;
mod handed_out;
pub(crate) mod json;
pub(crate) mod problem;
pub(crate) mod problem_type;
pub(crate) mod watch;
