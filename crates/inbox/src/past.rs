//! What the log says of a user between a state and its record: a projection that takes the state applies it again.
//!
//! It is read page by page within the transaction that takes the state, so that no more than a page of it is in memory.

use tidings_core::{Cursor, Event, Hub, Query, Reading, Selector, Selectors, Sequence, Start};
use tokio::runtime::Handle;

use crate::error::InboxError;
use crate::limits::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX};
use crate::record::SHARED_TOPIC;
use crate::user::User;

/// Reads the log again.
pub(crate) trait Past {
    /// Hands over the events of a user, and of many users, that stand after a sequence and before a place, in their order. Whether retention
    /// has taken none of them; otherwise a later state tells the rest.
    fn between(
        &mut self,
        user: &User,
        after: u64,
        before: Cursor,
        take: &mut dyn FnMut(&Event) -> Result<(), InboxError>,
    ) -> Result<bool, InboxError>;
}

/// The log of a hub. It may be read on a thread that may block.
pub(crate) struct LogPast<'a>(pub(crate) &'a Hub);

impl Past for LogPast<'_> {
    fn between(
        &mut self,
        user: &User,
        after: u64,
        before: Cursor,
        take: &mut dyn FnMut(&Event) -> Result<(), InboxError>,
    ) -> Result<bool, InboxError> {
        let runtime = Handle::current();
        let mut place = self.0.bounds().floor;
        let mut is_whole = after >= place.sequence.0;
        if is_whole {
            place = before.at(Sequence(after));
        }
        let selectors = of_user(user);
        while place.sequence < before.sequence.previous() {
            let query = Query {
                start: Start::After(place),
                selectors: selectors.clone(),
                events_max: BATCH_RECORDS_MAX,
                bytes_max: BATCH_BYTES_MAX,
            };
            let page = match runtime.block_on(self.0.read(query))? {
                Reading::Page(page) => page,
                // Retention went past in the meantime, or the place is of an epoch that was cut off.
                Reading::Lost { resumes_after, .. } if resumes_after.sequence > place.sequence => {
                    place = resumes_after;
                    is_whole = false;
                    continue;
                }
                Reading::Lost { .. } => return Ok(false),
            };
            place = page.next;
            page.events
                .iter()
                .filter(|event| event.cursor.sequence < before.sequence)
                .try_for_each(&mut *take)?;
            if !page.has_more() {
                break;
            }
        }
        Ok(is_whole)
    }
}

#[expect(clippy::expect_used, reason = "topics that were parsed")]
fn of_user(user: &User) -> Selectors {
    let shared = Selector::parse(SHARED_TOPIC).expect("a constant selector is one");
    Selectors::new([Selector::Topic(user.topic()), shared]).expect("two selectors are not too many")
}

/// Nothing came in between, and nothing was taken.
#[cfg(test)]
pub(crate) struct Nothing;

#[cfg(test)]
impl Past for Nothing {
    fn between(
        &mut self,
        _: &User,
        _: u64,
        _: Cursor,
        _: &mut dyn FnMut(&Event) -> Result<(), InboxError>,
    ) -> Result<bool, InboxError> {
        Ok(true)
    }
}
