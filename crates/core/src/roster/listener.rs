//! A listener: what is told of each session that comes and goes.
//!
//! Several may listen to one roster. Anonymous subscribers have no session and are never told of, so they cost no listener
//! anything.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::connection_id::ConnectionId;
use super::session::Session;
use crate::select::Selectors;

/// One subscriber that has a session.
#[derive(Debug, Clone, Copy)]
pub struct Attendee<'a> {
    /// Its name, by which who leaves is known as who has come.
    pub id: ConnectionId,
    /// What it reads.
    pub selectors: &'a Selectors,
    /// What let it in.
    pub session: &'a Arc<Session>,
}

/// What is told of sessions, at once and by the thread that carries the subscriber. So it must be quick, must not wait, and must
/// not ask the roster: what takes longer is noted, and done by a task.
pub trait RosterListener: Send + Sync + 'static {
    /// A subscriber has come: from now on its carrier knows it, too.
    fn joined(&self, who: Attendee<'_>);

    /// A subscriber that had come has left, for whichever reason: its carrier does not know it any more.
    fn left(&self, who: Attendee<'_>);
}

/// All listeners of a roster.
#[derive(Default)]
pub(super) struct Listeners {
    /// Whether there is one, so that a roster without takes no lock.
    any: AtomicBool,
    list: RwLock<Vec<Arc<dyn RosterListener>>>,
}

impl Listeners {
    pub(super) fn add(&self, listener: Arc<dyn RosterListener>) {
        self.list.write().unwrap_or_else(PoisonError::into_inner).push(listener);
        self.any.store(true, Ordering::Release);
    }

    pub(super) fn joined(&self, who: Attendee<'_>) {
        self.tell(|listener| listener.joined(who));
    }

    pub(super) fn left(&self, who: Attendee<'_>) {
        self.tell(|listener| listener.left(who));
    }

    fn tell(&self, tell: impl Fn(&dyn RosterListener)) {
        if self.any.load(Ordering::Acquire) {
            let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
            list.iter().for_each(|listener| tell(&**listener));
        }
    }
}
