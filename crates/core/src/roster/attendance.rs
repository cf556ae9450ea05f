//! An attendance: one in the number of subscribers, for as long as it lives, with its id and its selectors.
//!
//! A subscriber may go from one carrier to another, and is the same one: its id stays, and listeners hear nothing of it. On its way it
//! stands among the subscriptions of tasks, so that it can be listed and ended at every moment.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::connection_id::ConnectionId;
use super::listener::Subscribing;
use super::roster::Roster;
use super::session::Session;
use super::subscriber::Dismissal;
use super::task_bell::TaskBell;
use super::visitor::Visitor;
use crate::event::Sequence;
use crate::select::Selectors;

/// One in the number of subscribers, for as long as it lives, with its selectors.
pub struct Attendance {
    pub(super) roster: Arc<Roster>,
    id: ConnectionId,
    selectors: usize,
    pub(super) since: Instant,
    /// No carrier has it yet.
    is_coming: bool,
    /// Listeners have heard that it has come.
    pub(super) is_told: bool,
    /// Where it stands among the subscriptions of tasks.
    pub(super) slot: Option<usize>,
    /// Why it ends, in a word for programs.
    ending: Option<&'static str>,
    /// It is one in the number: not if another one stands for it now.
    counts: bool,
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
        Self {
            roster,
            id,
            selectors,
            since: Instant::now(),
            is_coming: true,
            is_told: false,
            slot: None,
            ending: None,
            counts: true,
        }
    }

    /// Hands over all that it stands for. What is left counts for nothing.
    pub(crate) fn hand_over(&mut self) -> Self {
        let Self { id, since, .. } = *self;
        let rest = Self {
            roster: self.roster.clone(),
            id,
            selectors: 0,
            since,
            is_coming: false,
            is_told: false,
            slot: None,
            ending: None,
            counts: false,
        };
        std::mem::replace(self, rest)
    }

    /// Has it ask for other selectors, or be another visitor, from now on. It is the same subscriber: its id stays, and so does an end that
    /// the roster has told it.
    ///
    /// # Errors
    ///
    /// If there are too many selectors. Nothing is changed then.
    pub(crate) fn change(
        &mut self,
        selectors: &Selectors,
        visitor: &Visitor,
    ) -> Result<(), TooManySelectors> {
        let wanted = selectors.iter().len();
        match wanted.checked_sub(self.selectors) {
            Some(more) => self.roster.reserve(more)?,
            None => _ = self.roster.selectors.fetch_sub(self.selectors - wanted, Ordering::Relaxed),
        }
        self.selectors = wanted;
        let before = self.slot.and_then(|slot| self.roster.tasks.change(slot, selectors, visitor));
        if let Some((before, was)) = before {
            let (was_told_of, is_told_of) = (was.is_told_of(), visitor.is_told_of());
            let before = was_told_of.then_some((&before, was.session.as_ref()));
            let after = is_told_of.then_some((selectors, visitor.session.as_ref()));
            self.roster.listeners.changed(self.id, before, after);
        }
        Ok(())
    }

    /// What rings for it, if it stands among the subscriptions of tasks.
    pub(crate) fn bell(&self) -> Option<Arc<TaskBell>> {
        self.slot.and_then(|slot| self.roster.tasks.bell(slot))
    }

    /// Notes why it ends. The first that is noted is the reason.
    pub(crate) fn note_ending(&mut self, ending: &'static str) {
        self.ending.get_or_insert(ending);
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

/// Takes it off the roster.
impl Drop for Attendance {
    fn drop(&mut self) {
        if !self.counts {
            return;
        }
        if let Some(left) = self.slot.and_then(|slot| self.roster.tasks.remove(slot))
            && left.visitor.is_told_of()
        {
            self.roster.listeners.left(left.id, &left.selectors, left.visitor.session.as_ref(), self.ending);
        }
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
    ///
    /// The answer is why it must end, if the roster has ended it while a task had it.
    pub fn take(
        &mut self,
        mut attendance: Attendance,
        asked_for: &Selectors,
        session: Option<&Arc<Session>>,
        address: impl FnOnce() -> Option<IpAddr>,
    ) -> Option<Dismissal> {
        let (id, selectors) = (attendance.id, attendance.selectors);
        self.roster.count.fetch_add(1, Ordering::Relaxed);
        self.roster.selectors.fetch_add(selectors, Ordering::Relaxed);
        self.count += 1;
        self.selectors += selectors;
        let left = attendance.slot.take().and_then(|slot| self.roster.tasks.remove(slot));
        let is_told = attendance.is_told;
        drop(attendance);
        if !is_told {
            self.roster.listeners.joined(Subscribing { id, selectors: asked_for, session, address });
        }
        left.and_then(|left| left.bell.dismissed())
    }

    /// Lets go of one that a task takes, which [follows](crate::Hub::follow) with what this returns. It was [taken](Self::take) with this id and
    /// these selectors, stands at a place, and has been subscribed since a time. From now on the roster knows it as one of a task.
    pub fn let_go(
        &mut self,
        id: ConnectionId,
        asked_for: &Selectors,
        visitor: Visitor,
        place: Sequence,
        since: Instant,
    ) -> Attendance {
        let selectors = asked_for.iter().len();
        self.count = self.count.saturating_sub(1);
        self.selectors = self.selectors.saturating_sub(selectors);
        let attendance = Attendance {
            roster: self.roster.clone(),
            id,
            selectors,
            since,
            is_coming: false,
            is_told: true,
            slot: None,
            ending: None,
            counts: true,
        };
        self.roster.enrol(asked_for.clone(), visitor, Arc::new(TaskBell::new(place)), attendance)
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
