//! How many events leave in one request: fewer while something in front of the hub takes no request of that length.

use tidings_client::PublishError;

use crate::limits::BATCH_EVENTS_MAX;

/// The most events of the next request. A hub counts the bytes of an event, and a proxy in front of it those of the whole request.
#[derive(Debug)]
pub(crate) struct Together {
    events_max: usize,
}

impl Default for Together {
    fn default() -> Self {
        Self { events_max: BATCH_EVENTS_MAX }
    }
}

impl Together {
    /// The events that leave in the next request.
    pub(crate) fn first<'e, T>(&self, events: &'e [T]) -> &'e [T] {
        &events[..events.len().min(self.events_max)]
    }

    /// A request with this many was taken. The next may have some more: what follows may be shorter.
    pub(crate) fn taken(&mut self, events: usize) {
        if events == self.events_max {
            self.events_max = (events + events / 8 + 1).min(BATCH_EVENTS_MAX);
        }
    }

    /// A request with this many was refused. Returns whether to send fewer.
    pub(crate) fn refused(&mut self, events: usize, error: &PublishError) -> bool {
        let is_fewer = events > 1 && is_of_whole_request(error);
        if is_fewer {
            self.events_max = events / 2;
        }
        is_fewer
    }
}

/// Whether the request is too long, and the answer does not say for which of its events.
pub(crate) fn is_of_whole_request(error: &PublishError) -> bool {
    let is_too_long = error.status().is_some_and(|status| status.as_u16() == 413);
    is_too_long && error.problem().is_none_or(|problem| problem.published.is_none())
}
