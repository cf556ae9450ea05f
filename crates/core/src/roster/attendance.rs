//! An attendance: one in the number of subscribers, for as long as it lives, with its id and its selectors.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::connection_id::ConnectionId;
use super::listener::Subscribing;
use super::roster::Roster;
use super::session::Session;
use crate::select::Selectors;

/// One in the number of subscribers, for as long as it lives, with its selectors.
pub struct Attendance {
    pub(super) roster: Arc<Roster>,
    id: ConnectionId,
    selectors: usize,
    /// No carrier has it yet.
    is_coming: bool,
}

/// The attendances of many subscribers together, for a carrier that counts its own.
pub struct Attendances {
    roster: Arc<Roster>,
    count: usize,
    selectors: usize,
}

/// All subscriptions together have as many selectors as they may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "all subscriptions of the hub together have {max} selectors at most (`selectors_max`), and {wanted} more were asked for"
)]
pub struct TooManySelectors {
    /// Selectors of the subscription that is refused.
    pub wanted: usize,
    /// The bound of all of them together.
    pub max: usize,
}

impl Attendance {
    /// Of one that the roster has counted.
    pub(super) fn counted(roster: Arc<Roster>, id: ConnectionId, selectors: usize) -> Self {
        roster.coming.fetch_add(1, Ordering::Relaxed);
        Self { roster, id, selectors, is_coming: true }
    }

    /// A carrier has it now.
    pub(super) fn arrive(&mut self) {
        if std::mem::take(&mut self.is_coming) {
            self.roster.coming.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The name of the subscriber, which it keeps until it leaves.
    pub fn id(&self) -> ConnectionId {
        self.id
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        self.arrive();
        self.roster.count.fetch_sub(1, Ordering::Relaxed);
        self.roster.selectors.fetch_sub(self.selectors, Ordering::Relaxed);
    }
}

impl Attendances {
    pub(super) fn none(roster: Arc<Roster>) -> Self {
        Self { roster, count: 0, selectors: 0 }
    }

    /// Takes over the attendance of one that its carrier knows from now on. The roster counts it twice for a moment, rather than
    /// not at all. `address` is that of its connection, which is looked up if somebody wants to know it.
    pub fn take(
        &mut self,
        attendance: Attendance,
        asked_for: &Selectors,
        session: Option<&Arc<Session>>,
        address: impl FnOnce() -> Option<IpAddr>,
    ) {
        let (id, selectors) = (attendance.id, attendance.selectors);
        self.roster.count.fetch_add(1, Ordering::Relaxed);
        self.roster.selectors.fetch_add(selectors, Ordering::Relaxed);
        self.count += 1;
        self.selectors += selectors;
        drop(attendance);
        self.roster.listeners.joined(Subscribing { id, selectors: asked_for, session, address });
    }

    /// One has left that was [taken](Self::take) with this id, these selectors and this session. `ending` says why, in a word for
    /// programs.
    pub fn leave(
        &mut self,
        id: ConnectionId,
        asked_for: &Selectors,
        session: Option<&Arc<Session>>,
        ending: &'static str,
    ) {
        let selectors = asked_for.iter().len();
        if let (Some(count), Some(left)) = (self.count.checked_sub(1), self.selectors.checked_sub(selectors))
        {
            (self.count, self.selectors) = (count, left);
            self.roster.count.fetch_sub(1, Ordering::Relaxed);
            self.roster.selectors.fetch_sub(selectors, Ordering::Relaxed);
        }
        self.roster.listeners.left(id, asked_for, session, Some(ending));
    }
}

impl Drop for Attendances {
    fn drop(&mut self) {
        self.roster.count.fetch_sub(self.count, Ordering::Relaxed);
        self.roster.selectors.fetch_sub(self.selectors, Ordering::Relaxed);
    }
}
