//! Presence over HTTP: `tidings.presence`, which tells who reads a topic to those who read `tidings/presence/` and that topic.
//!
//! Who is there, and when it is told, is decided in [`tidings_core::presence`]. Notices have no id, since they are not in the log: a
//! client goes on after the last event, and begins with a new state.
//!
//! | file | noun |
//! |---|---|
//! | `document` | a notice as JSON |
//! | `task_presence` | the notices of a stream that a task carries; those of a lane are in `lane/members/presence` |

pub(crate) mod document;
pub(crate) mod task_presence;
