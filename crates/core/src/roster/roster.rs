//! Who is subscribed to a hub: their number, and what the carriers say about them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::time::{sleep, timeout};

use super::attendance::{Attendance, Attendances, TooManySelectors};
use super::audience::AudiencePage;
use super::carrier::Carrier;
use super::connection_id::{ConnectionId, ConnectionIds};
use super::listener::{AttendeeCopy, Listeners, RosterListener, Subscribing};
use super::session::User;
use super::subscriber::{Dismissal, Subscriber, Whom};
use super::task_bell::TaskBell;
use super::tasks::{TaskCarrier, TaskEntry};
use super::visitor::Visitor;
use crate::event::Topic;
use crate::limits::{COMING_LOOK_WAIT, COMING_WAIT_MAX, ROSTER_PAGE_MAX};
use crate::select::Selectors;

/// Who is subscribed to a hub.
pub struct Roster {
    pub(super) count: AtomicUsize,
    /// Those of them that no carrier has yet: they have their id, and nothing can end them.
    pub(super) coming: AtomicUsize,
    /// Selectors of all of them, and how many there may be.
    pub(super) selectors: AtomicUsize,
    selectors_max: usize,
    ids: ConnectionIds,
    carriers: Mutex<Vec<Weak<dyn Carrier>>>,
    pub(super) tasks: Arc<TaskCarrier>,
    pub(super) listeners: Listeners,
}

/// A page of the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterPage {
    /// In the order of their ids.
    pub subscribers: Vec<Subscriber>,
    /// Whether there are more after the last of them.
    pub more: bool,
}

impl Roster {
    /// A roster of nobody, for subscribers that have so many selectors together at most.
    pub fn new(selectors_max: usize) -> Self {
        Self {
            count: AtomicUsize::new(0),
            coming: AtomicUsize::new(0),
            selectors: AtomicUsize::new(0),
            selectors_max,
            ids: ConnectionIds::new(),
            carriers: Mutex::default(),
            tasks: Arc::default(),
            listeners: Listeners::default(),
        }
    }

    /// Counts one more, who asks for these selectors, and gives it an id.
    ///
    /// # Errors
    ///
    /// If there are too many selectors.
    pub fn attend(self: &Arc<Self>, selectors: &Selectors) -> Result<Attendance, TooManySelectors> {
        let wanted = selectors.iter().len();
        self.reserve(wanted)?;
        self.count.fetch_add(1, Ordering::Relaxed);
        Ok(Attendance::counted(self.clone(), self.ids.next(), wanted))
    }

    /// Counts so many selectors more, if there is room for them.
    pub(super) fn reserve(&self, wanted: usize) -> Result<(), TooManySelectors> {
        let add = |held: usize| held.checked_add(wanted).filter(|sum| *sum <= self.selectors_max);
        let added = self.selectors.try_update(Ordering::Relaxed, Ordering::Relaxed, add);
        added.map(|_| ()).map_err(|_| TooManySelectors { wanted, max: self.selectors_max })
    }

    /// A count of a carrier's own, which is part of this one.
    pub fn attendances(self: &Arc<Self>) -> Attendances {
        Attendances::none(self.clone())
    }

    /// How many selectors all subscribers have together.
    pub fn selectors(&self) -> usize {
        self.selectors.load(Ordering::Relaxed)
    }

    /// How many subscribers there are now.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Makes a carrier known, for as long as it lives.
    pub fn add_carrier<C: Carrier>(&self, carrier: &Arc<C>) {
        let weak: Weak<C> = Arc::downgrade(carrier);
        let mut carriers = self.carriers();
        carriers.retain(|carrier| carrier.strong_count() > 0);
        carriers.push(weak);
    }

    /// Tells a listener of each session that comes and goes from now on, for as long as the roster lives.
    pub fn add_listener(&self, listener: Arc<dyn RosterListener>) {
        self.listeners.add(listener);
    }

    /// Lists subscribers, after one of them, at most `limit` and at most [`ROSTER_PAGE_MAX`]. Cancel safe.
    ///
    /// Each carrier looks at all of its subscribers for a page.
    pub async fn list(&self, after: Option<ConnectionId>, limit: usize) -> RosterPage {
        let limit = limit.clamp(1, ROSTER_PAGE_MAX);
        let mut subscribers = Vec::new();
        for carrier in self.all() {
            // One more than asked for tells whether there are more.
            subscribers.extend(carrier.list(after, limit + 1).await);
            subscribers.sort_unstable_by_key(|subscriber| subscriber.id);
            subscribers.dedup_by_key(|subscriber| subscriber.id);
            subscribers.truncate(limit + 1);
        }
        let more = subscribers.len() > limit;
        subscribers.truncate(limit);
        RosterPage { subscribers, more }
    }

    /// Counts who receives the events of a topic, and lists their users, after one of them, at most `limit` and at most
    /// [`ROSTER_PAGE_MAX`]. Cancel safe.
    pub async fn audience(&self, topic: &Topic, after: Option<User>, limit: usize) -> AudiencePage {
        let limit = limit.clamp(1, ROSTER_PAGE_MAX);
        let come = self.tasks.come();
        let mut audience = self.tasks.audience_since(0, topic, after.clone(), limit + 1);
        for carrier in self.carriers_now() {
            audience.merge(carrier.audience(topic.clone(), after.clone(), limit + 1).await);
        }
        // Those that have gone from a carrier to a task meanwhile.
        audience.merge(self.tasks.audience_since(come, topic, after, limit + 1));
        audience.into_page(limit)
    }

    /// All subscribers that have a user and receive the events of any of these topics. Cancel safe.
    pub async fn attendees(&self, topics: &Arc<BTreeMap<Topic, ()>>) -> Vec<AttendeeCopy> {
        let mut attendees = Vec::new();
        for carrier in self.all() {
            attendees.extend(carrier.attendees(topics.clone()).await);
        }
        attendees.sort_unstable_by_key(|attendee| attendee.id);
        attendees.dedup_by_key(|attendee| attendee.id);
        attendees
    }

    /// Ends subscribers; the answer is their number. Cancel safety: some may not have been ended.
    ///
    /// A subscriber may know its id before a carrier has it. If some are on their way, it waits for them, at most
    /// [`COMING_WAIT_MAX`].
    pub async fn dismiss(&self, whom: &Whom, why: Dismissal) -> usize {
        let mut ended = self.dismiss_held(whom, why).await;
        if self.is_awaited() {
            let _ = timeout(COMING_WAIT_MAX, self.all_have_arrived()).await;
            ended += self.dismiss_held(whom, why).await;
        }
        ended
    }

    fn is_awaited(&self) -> bool {
        self.coming.load(Ordering::Relaxed) > 0
    }

    async fn all_have_arrived(&self) {
        while self.is_awaited() {
            sleep(COMING_LOOK_WAIT).await;
        }
    }

    async fn dismiss_held(&self, whom: &Whom, why: Dismissal) -> usize {
        let mut ended = 0;
        for carrier in self.all() {
            ended += carrier.dismiss(whom.clone(), why).await;
        }
        ended
    }

    /// Lists the subscription of a task, which is woken by its bell. One that a carrier has let go is listed already.
    pub(crate) fn enrol(
        self: &Arc<Self>,
        selectors: Selectors,
        visitor: Visitor,
        bell: Arc<TaskBell>,
        mut attendance: Attendance,
    ) -> Attendance {
        if attendance.slot.is_some() {
            return attendance;
        }
        let id = attendance.id();
        let is_news = !std::mem::replace(&mut attendance.is_told, true) && visitor.is_told_of();
        let visits = is_news.then(|| visitor.clone());
        let entry = TaskEntry::new(&attendance, selectors.clone(), visitor, bell);
        attendance.slot = Some(self.tasks.insert(entry));
        attendance.arrive();
        if let Some(Visitor { session, address, .. }) = visits {
            let session = session.as_ref();
            self.listeners.joined(Subscribing { id, selectors: &selectors, session, address: || address });
        }
        attendance
    }

    /// The tasks are asked again in the end: a subscriber that has gone to one from a carrier which was not asked yet is among
    /// them then.
    fn all(&self) -> Vec<Arc<dyn Carrier>> {
        let tasks: Arc<dyn Carrier> = self.tasks.clone();
        std::iter::once(tasks.clone()).chain(self.carriers_now()).chain([tasks]).collect()
    }

    fn carriers_now(&self) -> Vec<Arc<dyn Carrier>> {
        self.carriers().iter().filter_map(Weak::upgrade).collect()
    }

    fn carriers(&self) -> MutexGuard<'_, Vec<Weak<dyn Carrier>>> {
        self.carriers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
