//! A listener: what is told of each session that comes and goes.
//!
//! Several may listen to one roster. Anonymous subscribers have no session. They are told of only to a listener that asks for
//! them, so they cost the others nothing.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::connection_id::ConnectionId;
use super::session::Session;
use crate::select::Selectors;

/// One subscriber.
#[derive(Debug, Clone, Copy)]
pub struct Attendee<'a> {
    /// Its name, by which who leaves is known as who has come.
    pub id: ConnectionId,
    /// What it reads.
    pub selectors: &'a Selectors,
    /// What let it in. An empty one if it is anonymous.
    pub session: &'a Arc<Session>,
    /// The address of its client. Known when it comes, and if a listener [asks for all](RosterListener::asks_for_all): it costs a call
    /// of the system.
    pub address: Option<IpAddr>,
    /// Why it has left, in a word for programs, if its carrier has said so. None when it comes.
    pub ending: Option<&'static str>,
}

/// The same, for who asks a carrier: see [`Roster::attendees`](super::Roster::attendees).
#[derive(Debug, Clone)]
pub struct AttendeeCopy {
    /// Its name.
    pub id: ConnectionId,
    /// What it reads.
    pub selectors: Selectors,
    /// What let it in.
    pub session: Arc<Session>,
}

/// What is told of sessions, at once and by the thread that carries the subscriber. So it must be quick, must not wait, and must
/// not ask the roster: what takes longer is noted, and done by a task.
pub trait RosterListener: Send + Sync + 'static {
    /// A subscriber has come: from now on its carrier knows it, too.
    fn joined(&self, who: Attendee<'_>);

    /// A subscriber that had come has left, for whichever reason: its carrier does not know it any more.
    fn left(&self, who: Attendee<'_>);

    /// A subscriber that had come reads something else from now on, or was let in by something else. Its name is the same, and so is its
    /// user, unless it had none.
    fn changed(&self, _before: Attendee<'_>, _now: Attendee<'_>) {}

    /// Whether it is told of anonymous subscribers, too, and of addresses. It is asked once.
    fn asks_for_all(&self) -> bool {
        false
    }
}

/// All listeners of a roster.
#[derive(Default)]
pub(super) struct Listeners {
    /// Whether there is one, so that a roster without takes no lock.
    any: AtomicBool,
    /// Whether one of them asks for all.
    any_for_all: AtomicBool,
    list: RwLock<Vec<Listening>>,
    /// The session of those who have none.
    of_nobody: Arc<Session>,
}

struct Listening {
    listener: Arc<dyn RosterListener>,
    asks_for_all: bool,
}

/// What a subscriber reads, and what let it in.
type Known<'a> = (&'a Selectors, Option<&'a Arc<Session>>);

/// A subscriber whose address is looked up only if somebody wants to know it.
pub(super) struct Subscribing<'a, A> {
    pub(super) id: ConnectionId,
    pub(super) selectors: &'a Selectors,
    pub(super) session: Option<&'a Arc<Session>>,
    pub(super) address: A,
}

impl Listeners {
    pub(super) fn add(&self, listener: Arc<dyn RosterListener>) {
        let asks_for_all = listener.asks_for_all();
        self.list.write().unwrap_or_else(PoisonError::into_inner).push(Listening { listener, asks_for_all });
        if asks_for_all {
            self.any_for_all.store(true, Ordering::Release);
        }
        self.any.store(true, Ordering::Release);
    }

    pub(super) fn joined<A: FnOnce() -> Option<IpAddr>>(&self, who: Subscribing<'_, A>) {
        let Subscribing { id, selectors, session, address } = who;
        if !self.hears(session) {
            return;
        }
        let is_asked = self.any_for_all.load(Ordering::Acquire);
        // What something on the way has told comes before what the connection knows.
        let told = session.and_then(|session| session.address);
        let address = if is_asked { told.or_else(address) } else { None };
        let known = session.unwrap_or(&self.of_nobody);
        let who = Attendee { id, selectors, session: known, address, ending: None };
        self.tell(session, |listener| listener.joined(who));
    }

    /// One that was told of when it came, if it has a session or a listener asks for all.
    pub(super) fn left(
        &self,
        id: ConnectionId,
        selectors: &Selectors,
        session: Option<&Arc<Session>>,
        ending: Option<&'static str>,
    ) {
        if self.hears(session) {
            let known = session.unwrap_or(&self.of_nobody);
            let who = Attendee { id, selectors, session: known, address: None, ending };
            self.tell(session, |listener| listener.left(who));
        }
    }

    /// One has other selectors or another session. Of what listeners are not told there is none. To a listener that does not hear of anonymous
    /// subscribers, one that gets a session comes, and one that loses it leaves.
    pub(super) fn changed(&self, id: ConnectionId, before: Option<Known<'_>>, now: Option<Known<'_>>) {
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        for Listening { listener, asks_for_all } in &*list {
            let is_heard = |known: &Known<'_>| *asks_for_all || known.1.is_some();
            match (before.filter(is_heard), now.filter(is_heard)) {
                (Some(before), Some(now)) => {
                    listener.changed(self.attendee(id, before), self.attendee(id, now));
                }
                (None, Some(now)) => listener.joined(self.attendee(id, now)),
                (Some(before), None) => listener.left(self.attendee(id, before)),
                (None, None) => {}
            }
        }
    }

    fn attendee<'a>(&'a self, id: ConnectionId, (selectors, session): Known<'a>) -> Attendee<'a> {
        Attendee { id, selectors, session: session.unwrap_or(&self.of_nobody), address: None, ending: None }
    }

    fn hears(&self, session: Option<&Arc<Session>>) -> bool {
        let some = if session.is_some() { &self.any } else { &self.any_for_all };
        some.load(Ordering::Acquire)
    }

    fn tell(&self, session: Option<&Arc<Session>>, tell: impl Fn(&dyn RosterListener)) {
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        let told = list.iter().filter(|listening| session.is_some() || listening.asks_for_all);
        told.for_each(|listening| tell(&*listening.listener));
    }
}
