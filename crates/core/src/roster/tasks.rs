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
pub(super) struct TaskCarrier(Mutex<Tasks>);

pub(super) struct TaskEntry {
    pub(super) id: ConnectionId,
    pub(super) selectors: Selectors,
    pub(super) visitor: Visitor,
    pub(super) since: Instant,
    pub(super) bell: Arc<TaskBell>,
    /// In the order in which they have come.
    number: u64,
}

#[derive(Default)]
struct Tasks {
    entries: Slab<TaskEntry>,
    /// How many have come so far.
    come: u64,
}

impl TaskEntry {
    /// Of a subscription that is woken by a bell.
    pub(super) fn new(
        attendance: &Attendance,
        selectors: Selectors,
        visitor: Visitor,
        bell: Arc<TaskBell>,
    ) -> Self {
        Self { id: attendance.id(), selectors, visitor, since: attendance.since, bell, number: 0 }
    }
}

impl TaskCarrier {
    pub(super) fn insert(&self, mut task: TaskEntry) -> usize {
        let mut tasks = self.tasks();
        tasks.come += 1;
        task.number = tasks.come;
        tasks.entries.insert(task)
    }

    /// Takes out what stands in a slot.
    pub(super) fn remove(&self, slot: usize) -> Option<TaskEntry> {
        self.tasks().entries.try_remove(slot)
    }

    /// Has what stands in a slot ask for other selectors, or be another visitor. The answer is what it was before.
    pub(super) fn change(
        &self,
        slot: usize,
        selectors: &Selectors,
        visitor: &Visitor,
    ) -> Option<(Selectors, Visitor)> {
        let mut tasks = self.tasks();
        let task = tasks.entries.get_mut(slot)?;
        let selectors = std::mem::replace(&mut task.selectors, selectors.clone());
        Some((selectors, std::mem::replace(&mut task.visitor, visitor.clone())))
    }

    /// What rings for the one in a slot.
    pub(super) fn bell(&self, slot: usize) -> Option<Arc<TaskBell>> {
        self.tasks().entries.get(slot).map(|task| task.bell.clone())
    }

    /// How many have come so far.
    pub(super) fn come(&self) -> u64 {
        self.tasks().come
    }

    /// The audience of a topic among those that have come since there were this many.
    pub(super) fn audience_since(
        &self,
        come: u64,
        topic: &Topic,
        after: Option<User>,
        users_max: usize,
    ) -> Audience {
        let mut audience = Audience::new(after, users_max);
        let tasks = self.tasks();
        let hears = |task: &&TaskEntry| task.number > come && task.selectors.matches(topic);
        for task in tasks.entries.iter().map(|(_, task)| task).filter(hears) {
            audience.add(task.visitor.session.as_deref());
        }
        audience
    }

    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Carrier for TaskCarrier {
    async fn list(&self, after: Option<ConnectionId>, limit: usize) -> Vec<Subscriber> {
        let tasks = self.tasks();
        let mut first = FirstIds::new(after, limit);
        tasks.entries.iter().for_each(|(slot, task)| first.offer(task.id, slot));
        let subscriber = |task: &TaskEntry| Subscriber {
            id: task.id,
            selectors: task.selectors.clone(),
            age: task.since.elapsed(),
            visitor: task.visitor.clone(),
            behind: task.bell.behind(),
        };
        first.in_order().map(|slot| subscriber(&tasks.entries[slot])).collect()
    }

    async fn audience(&self, topic: Topic, after: Option<User>, users_max: usize) -> Audience {
        self.audience_since(0, &topic, after, users_max)
    }

    async fn attendees(&self, topics: Arc<BTreeMap<Topic, ()>>) -> Vec<AttendeeCopy> {
        let tasks = self.tasks();
        let copy = |task: &TaskEntry| {
            let session = task.visitor.session.as_ref().filter(|session| session.user.is_some())?;
            let copy =
                || AttendeeCopy { id: task.id, selectors: task.selectors.clone(), session: session.clone() };
            matches_any(&topics, &task.selectors).then(copy)
        };
        tasks.entries.iter().filter_map(|(_, task)| copy(task)).collect()
    }

    async fn dismiss(&self, whom: Whom, why: Dismissal) -> usize {
        let tasks = self.tasks();
        let is_meant =
            |task: &TaskEntry| whom.means(task.id, &task.selectors, task.visitor.session.as_deref());
        tasks.entries.iter().filter(|(_, task)| is_meant(task) && task.bell.dismiss(why)).count()
    }
}
