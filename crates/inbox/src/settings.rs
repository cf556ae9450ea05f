//! What an operator may choose.

use std::sync::Arc;
use std::time::Duration;

use tidings_core::RetentionHold;

use crate::limits::{CARRY_PAUSE_SECONDS_MAX, FOLLOWERS_OF_RECORD, KEEPER_ITEMS_MAX};
use crate::sqlite::Location;

/// How inboxes are kept. Open to `..InboxSettings::default()`.
#[derive(Debug, Clone)]
pub struct InboxSettings {
    /// Where the database is. It is derived from the log: a lost one is made anew. Default in memory.
    pub location: Location,
    /// Items of one inbox. Beyond it the oldest that was read leaves. Default 1,000: months for most users, and no page shows more.
    pub items_max: u64,
    /// Unread items of one inbox. Beyond it the oldest of them leaves. Default 2,000: unread ones are kept longer, but nobody reads them all.
    pub unread_max: u64,
    /// Age at which items leave that were read; none keeps them. Default 90 days.
    pub age_max: Option<Duration>,
    /// Age at which items leave that were not read; none keeps them. Default 365 days.
    pub unread_age_max: Option<Duration>,
    /// What keeps the log's retention from taking records that an inbox needs: the same value that the store was opened with. Without
    /// one, a log with retention loses what it has no room for, and a database that is made anew has less than the lost one.
    pub hold: Option<Arc<RetentionHold>>,
    /// The longest pause between two rounds of carrying states forward, if the log has not grown before by as much as the last round wrote.
    /// Without a pause, inboxes that are larger than what retention keeps would be written again and again. Default 1 hour.
    pub carry_pause_max: Duration,
    /// Items that one record takes away, because they are over or old. Default [`KEEPER_ITEMS_MAX`].
    pub keeper_items_max: usize,
    /// Followers of a topic that one record notifies, about. Default [`FOLLOWERS_OF_RECORD`].
    pub followers_of_record: u64,
}

impl Default for InboxSettings {
    fn default() -> Self {
        Self {
            location: Location::Memory,
            items_max: 1_000,
            unread_max: 2_000,
            age_max: Some(Duration::from_hours(24 * 90)),
            unread_age_max: Some(Duration::from_hours(24 * 365)),
            hold: None,
            carry_pause_max: Duration::from_secs(CARRY_PAUSE_SECONDS_MAX),
            keeper_items_max: KEEPER_ITEMS_MAX,
            followers_of_record: FOLLOWERS_OF_RECORD,
        }
    }
}
