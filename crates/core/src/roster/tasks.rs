//! The subscriptions of tasks: a carrier that the roster itself is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use slab::Slab;
use tokio::time::Instant;

use super::attendance::Attendance;
use super::audience::Audience;
use super::carrier::Carrier;
use super::connection_id::ConnectionId;
use super::first_ids::FirstIds;
use super::listener::AttendeeCopy;
use super::session::User;
use super::subscriber::{Dismissal, Subscriber, Whom};
use super::task_bell::TaskBell;
use super::visitor::Visitor;
use crate::event::Topic;
use crate::presence::matches_any;
use crate::select::Selectors;

/// The subscriptions of tasks.
#[derive(Default)]
pub(super) struct TaskCarrier(Mutex<Slab<TaskEntry>>);

pub(super) struct TaskEntry {
    pub(super) id: ConnectionId,
    pub(super) selectors: Selectors,
    pub(super) visitor: Visitor,
    pub(super) since: Instant,
    pub(super) bell: Arc<TaskBell>,
}

/// A task's subscription on the roster. Dropping it takes it off.
pub(crate) struct Enrolled {
    attendance: Attendance,
    slot: usize,
    /// Why it ends, in a word for programs.
    ending: Option<&'static str>,
}

impl TaskCarrier {
    pub(super) fn insert(&self, task: TaskEntry) -> usize {
        self.tasks().insert(task)
    }

    fn tasks(&self) -> MutexGuard<'_, Slab<TaskEntry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Carrier for TaskCarrier {
    async fn list(&self, after: Option<ConnectionId>, limit: usize) -> Vec<Subscriber> {
        let tasks = self.tasks();
        let mut first = FirstIds::new(after, limit);
        tasks.iter().for_each(|(slot, task)| first.offer(task.id, slot));
        let subscriber = |task: &TaskEntry| Subscriber {
            id: task.id,
            selectors: task.selectors.clone(),
            age: task.since.elapsed(),
            visitor: task.visitor.clone(),
            behind: task.bell.behind(),
        };
        first.in_order().map(|slot| subscriber(&tasks[slot])).collect()
    }

    async fn audience(&self, topic: Topic, after: Option<User>, users_max: usize) -> Audience {
        let mut audience = Audience::new(after, users_max);
        for (_, task) in self.tasks().iter().filter(|(_, task)| task.selectors.matches(&topic)) {
            audience.add(task.visitor.session.as_deref());
        }
        audience
    }

    async fn attendees(&self, topics: Arc<BTreeMap<Topic, ()>>) -> Vec<AttendeeCopy> {
        let tasks = self.tasks();
        let copy = |task: &TaskEntry| {
            let session = task.visitor.session.as_ref().filter(|session| session.user.is_some())?;
            let copy =
                || AttendeeCopy { id: task.id, selectors: task.selectors.clone(), session: session.clone() };
            matches_any(&topics, &task.selectors).then(copy)
        };
        tasks.iter().filter_map(|(_, task)| copy(task)).collect()
    }

    async fn dismiss(&self, whom: Whom, why: Dismissal) -> usize {
        let tasks = self.tasks();
        let is_meant =
            |task: &TaskEntry| whom.means(task.id, &task.selectors, task.visitor.session.as_deref());
        tasks.iter().filter(|(_, task)| is_meant(task) && task.bell.dismiss(why)).count()
    }
}

impl Enrolled {
    /// Of a subscription that stands in a slot of the roster's own carrier.
    pub(super) fn new(mut attendance: Attendance, slot: usize) -> Self {
        attendance.arrive();
        Self { attendance, slot, ending: None }
    }

    /// Notes why it ends. The first that is noted is the reason.
    pub(crate) fn note_ending(&mut self, ending: &'static str) {
        self.ending.get_or_insert(ending);
    }

    pub(crate) fn id(&self) -> ConnectionId {
        self.attendance.id()
    }
}

impl Drop for Enrolled {
    fn drop(&mut self) {
        let roster = &self.attendance.roster;
        let Some(left) = roster.tasks.tasks().try_remove(self.slot) else { return };
        if left.visitor.is_told_of() {
            roster.listeners.left(left.id, &left.selectors, left.visitor.session.as_ref(), self.ending);
        }
    }
}
