//! Publishing with a `text/event-stream` body: each event goes out as soon as it is complete.
//!
//! A batch and an open-ended stream are the same thing. All events that are complete in what has arrived are
//! published together as a group; what arrives meanwhile is the next group. So a slow producer is live, and a fast
//! one shares each write to the disk among thousands of events. One group is under way at a time: if it fails,
//! nothing after it was published, and the answer can say how far the body came.
//!
//! | file | noun |
//! |---|---|
//! | `request` | the walk of one request: reads the body, has its events published, answers |
//! | `body` | the body on its way in: text, decoded into events |
//! | `groups` | the events that are complete, in the groups that are published together |
//! | `progress` | how far the body is in the log, and what the publisher is told |

mod body;
mod groups;
mod progress;
mod request;

pub(super) use request::{Batch, publish};
