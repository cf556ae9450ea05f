//! History: one page of the log for a reader that asks once. It follows nothing, and is not counted as a subscription.

use crate::event::{Cursor, Event};
use crate::hub::Hub;
use crate::read::follower::{Delivery, Follower, Step};
use crate::read::gap::Gap;
use crate::read::locate::Request;
use crate::store::{Reading, StoreError};

/// A page of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The events, in order. There may be none though there is [`more`](Self::more): then the reading has looked at as many
    /// events as one request may, and found none that was asked for.
    pub events: Vec<Event>,
    /// Where to go on.
    pub cursor: Cursor,
    /// Whether there is more after it now.
    pub more: bool,
    /// What was asked for and is gone.
    pub gap: Option<Gap>,
    /// The newest events were asked for, and the search for the first of them ran out of its budget: more may match than
    /// these.
    pub partial: bool,
}

impl Hub {
    /// Reads one page of at most `events_max` events from a place, as far as the hub's limits allow. Cancel safe.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn history(&self, request: Request, events_max: usize) -> Result<History, StoreError> {
        let located = self.locate(&request).await?;
        let partial = located.partial.is_some();
        let mut follower = Follower::new(request.selectors, request.on_gap, located.place);
        let mut gap = located.gap;
        loop {
            let reading = self.read(follower.query(events_max.max(1), self.limits().page_bytes_max)).await?;
            let more = matches!(&reading, Reading::Page(page) if page.has_more());
            let events = match follower.take_reading(reading, self.bounds().head) {
                Step::Deliver(Delivery::Gap(declared)) => {
                    self.metrics().gaps(declared.lost, 1);
                    gap = Some(declared);
                    continue;
                }
                Step::Deliver(Delivery::Frames(frames)) => {
                    frames.into_iter().map(crate::Frame::into_event).collect()
                }
                // A reading has a budget: it may have passed over many events and found none.
                Step::Again | Step::Wait | Step::End => Vec::new(),
            };
            return Ok(History { events, cursor: follower.cursor(), more, gap, partial });
        }
    }
}
