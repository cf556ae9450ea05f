//! The opening of a hub's stream: its heartbeat as the first comment, then its delay before a reconnection.
//!
//! No blank line follows them, so they belong to the block of the first event. The delay is about the connection and not about
//! that event: an event's own `retry` would be the second of the block.

use std::time::Duration;

use tidings_sse::decode::OwnedItem;

use crate::heartbeat;

/// The opening of one connection's stream. It must be told of comments, lines `retry`, ids and events, in their order.
///
/// An event source does this itself. It is for programs that decode what a hub streams and hand it on.
#[derive(Debug, Default)]
pub struct Opening {
    /// The first comment was heard. No later one announces the heartbeat.
    has_comment: bool,
    /// Lines `retry` so far in the first block of a stream that a hub began with its heartbeat; none after that block.
    retries: Option<u32>,
}

impl Opening {
    /// Takes the opening's `retry` away from the first event. Returns how long after the last byte the stream counts as
    /// stalled, if this item announces a heartbeat.
    pub fn hear(&mut self, item: &mut OwnedItem) -> Option<Duration> {
        match item {
            OwnedItem::Comment(text) => {
                let is_first = !std::mem::replace(&mut self.has_comment, true);
                let stall_after = heartbeat::deadline(text).filter(|_| is_first)?;
                self.retries = Some(0);
                return Some(stall_after);
            }
            OwnedItem::Retry(_) => self.retries = self.retries.map(|retries| retries.saturating_add(1)),
            OwnedItem::Id(_) => self.retries = None,
            OwnedItem::Event(event) => {
                if self.retries.take() == Some(1) {
                    event.retry = None;
                }
            }
        }
        None
    }
}
