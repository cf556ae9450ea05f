//! A page of the store on its way to a lane.

use tidings_core::{Cursor, Follower, Step, StoreError};
use tokio::sync::OwnedSemaphorePermit;

use super::ids::Recipient;

/// What a page came to.
pub(super) struct PageRead {
    pub(super) recipient: Recipient,
    /// The place after which it was read. A recipient that stands elsewhere by now has asked for another page.
    pub(super) from: Cursor,
    /// It has taken the page.
    pub(super) follower: Follower,
    pub(super) step: Result<Step, StoreError>,
    /// One of the pages that may be held at once; given back when the lane has taken the page. None of what the rings held.
    pub(super) _held: Option<OwnedSemaphorePermit>,
}
