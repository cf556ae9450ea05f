//! The roster: which subscribers there are, to be counted, listed in pages, and ended with a reason.
//!
//! It keeps no list of what others know already: it asks the carriers. A carrier holds the subscribers that it writes
//! to: a lane its parked connections, the roster itself the subscriptions of tasks.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use slab::Slab;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::event::{Epoch, Topic};
use crate::limits::ROSTER_PAGE_MAX;
use crate::live::ring::Watcher;
use crate::select::Selectors;

/// A subscriber's name for as long as it is subscribed; later ones do not get it again soon.
///
/// In its numeric order: the carrier, the slot in the carrier, and a serial that tells it from others in that slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(u64);

impl ConnectionId {
    /// The name of the subscriber in a slot of a carrier.
    pub fn new(carrier: u8, slot: u32, serial: u32) -> Self {
        // 8 bits of carrier, 24 of slot, 32 of serial: 16 million subscribers in one carrier.
        Self(u64::from(carrier) << 56 | u64::from(slot & 0xff_ffff) << 32 | u64::from(serial))
    }

    /// The number of the carrier.
    pub fn carrier(self) -> u8 {
        (self.0 >> 56) as u8
    }

    /// The slot in the carrier.
    pub fn slot(self) -> u32 {
        (self.0 >> 32) as u32 & 0xff_ffff
    }

    /// What tells it from others in that slot.
    pub fn serial(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Display for ConnectionId {
    /// Digits and small letters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Epoch(self.0).fmt(f)
    }
}

impl std::str::FromStr for ConnectionId {
    type Err = NotAConnectionId;

    fn from_str(text: &str) -> Result<Self, NotAConnectionId> {
        let id = u64::from_str_radix(text, 36).map(Self).map_err(|_| NotAConnectionId)?;
        if id.to_string() == text { Ok(id) } else { Err(NotAConnectionId) }
    }
}

/// The text is no connection's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a connection's id is of digits and small letters")]
pub struct NotAConnectionId;

/// The user a subscriber was authenticated as.
pub type User = Arc<str>;

/// A subscriber, as the roster lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// Its name.
    pub id: ConnectionId,
    /// What it asked for.
    pub selectors: Selectors,
    /// How long it has been subscribed.
    pub age: Duration,
    /// Its user, if it has one.
    pub user: Option<User>,
}

/// Which subscribers to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// One.
    Connection(ConnectionId),
    /// All of a user.
    User(User),
    /// All that receive the events of a topic.
    Topic(Topic),
}

impl Whom {
    /// Whether a subscriber is meant.
    pub fn means(&self, id: ConnectionId, selectors: &Selectors, user: Option<&str>) -> bool {
        match self {
            Self::Connection(own) => *own == id,
            Self::User(own) => user == Some(&**own),
            Self::Topic(topic) => selectors.matches(topic),
        }
    }
}

/// Why the roster ends a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dismissal {
    /// An operator asked for it.
    ByOperator,
    /// What allowed it to read is over.
    AccessEnded,
}

/// What writes to subscribers, and knows them.
#[async_trait]
pub trait Carrier: Send + Sync + 'static {
    /// Its subscribers in the order of their ids, after one of them, at most so many. Cancel safe.
    async fn list(&self, after: Option<ConnectionId>, limit: usize) -> Vec<Subscriber>;

    /// Ends those that are meant; the answer is their number. Cancel safety: they are ended all the same.
    async fn dismiss(&self, whom: Whom, why: Dismissal) -> usize;
}

/// Who is subscribed to a hub.
pub struct Roster {
    count: AtomicUsize,
    /// Selectors of all of them, and how many there may be.
    selectors: AtomicUsize,
    selectors_max: usize,
    carriers: Mutex<Vec<Weak<dyn Carrier>>>,
    tasks: Arc<TaskCarrier>,
}

/// One in the number of subscribers, for as long as it lives, with its selectors.
pub struct Attendance {
    roster: Arc<Roster>,
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

/// The attendances of many subscribers together, for a carrier that counts its own.
pub struct Attendances {
    roster: Arc<Roster>,
    count: usize,
    selectors: usize,
}

impl Attendances {
    /// Takes over the attendance of one. The roster counts it twice for a moment, rather than not at all.
    pub fn take(&mut self, attendance: Attendance) {
        let selectors = attendance.selectors;
        self.roster.count.fetch_add(1, Ordering::Relaxed);
        self.roster.selectors.fetch_add(selectors, Ordering::Relaxed);
        self.count += 1;
        self.selectors += selectors;
        drop(attendance);
    }

    /// One has left that had so many selectors.
    pub fn leave(&mut self, selectors: usize) {
        if let (Some(count), Some(left)) = (self.count.checked_sub(1), self.selectors.checked_sub(selectors))
        {
            (self.count, self.selectors) = (count, left);
            self.roster.count.fetch_sub(1, Ordering::Relaxed);
            self.roster.selectors.fetch_sub(selectors, Ordering::Relaxed);
        }
    }
}

impl Drop for Attendances {
    fn drop(&mut self) {
        self.roster.count.fetch_sub(self.count, Ordering::Relaxed);
        self.roster.selectors.fetch_sub(self.selectors, Ordering::Relaxed);
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        self.roster.count.fetch_sub(1, Ordering::Relaxed);
        self.roster.selectors.fetch_sub(self.selectors, Ordering::Relaxed);
    }
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
            selectors: AtomicUsize::new(0),
            selectors_max,
            carriers: Mutex::default(),
            tasks: Arc::default(),
        }
    }

    /// Counts one more, who asks for these selectors.
    ///
    /// # Errors
    ///
    /// If there are too many selectors.
    pub fn attend(self: &Arc<Self>, selectors: &Selectors) -> Result<Attendance, TooManySelectors> {
        let wanted = selectors.iter().len();
        let add = |held: usize| held.checked_add(wanted).filter(|sum| *sum <= self.selectors_max);
        let added = self.selectors.try_update(Ordering::Relaxed, Ordering::Relaxed, add);
        added.map_err(|_| TooManySelectors { wanted, max: self.selectors_max })?;
        self.count.fetch_add(1, Ordering::Relaxed);
        Ok(Attendance { roster: self.clone(), selectors: wanted })
    }

    /// A count of a carrier's own, which is part of this one.
    pub fn attendances(self: &Arc<Self>) -> Attendances {
        Attendances { roster: self.clone(), count: 0, selectors: 0 }
    }

    /// How many selectors all subscribers have together.
    pub fn selectors(&self) -> usize {
        self.selectors.load(Ordering::Relaxed)
    }

    /// How many subscribers there are now.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Makes a carrier known. `make` gets its number, which stands in the ids of its subscribers. None if there are 255
    /// carriers already: there is one for each thread that writes.
    pub fn add_carrier<C: Carrier>(&self, make: impl FnOnce(u8) -> Arc<C>) -> Option<Arc<C>> {
        let mut carriers = self.carriers();
        // A carrier that is gone leaves its number.
        let gone = carriers.iter().position(|carrier| carrier.strong_count() == 0);
        let index = gone.unwrap_or(carriers.len());
        let carrier = make(u8::try_from(index + 1).ok()?);
        let weak: Weak<C> = Arc::downgrade(&carrier);
        match gone {
            Some(index) => carriers[index] = weak,
            None => carriers.push(weak),
        }
        Some(carrier)
    }

    /// Lists subscribers, after one of them, at most `limit` and at most [`ROSTER_PAGE_MAX`]. Cancel safe.
    pub async fn list(&self, after: Option<ConnectionId>, limit: usize) -> RosterPage {
        let limit = limit.clamp(1, ROSTER_PAGE_MAX);
        let mut subscribers = Vec::new();
        for (number, carrier) in self.all() {
            if after.is_some_and(|after| after.carrier() > number) {
                continue;
            }
            // One more than asked for tells whether there are more.
            let after = after.filter(|after| after.carrier() == number);
            subscribers.extend(carrier.list(after, limit + 1 - subscribers.len()).await);
            if subscribers.len() > limit {
                break;
            }
        }
        let more = subscribers.len() > limit;
        subscribers.truncate(limit);
        RosterPage { subscribers, more }
    }

    /// Ends subscribers; the answer is their number. Cancel safety: some may not have been ended.
    pub async fn dismiss(&self, whom: &Whom, why: Dismissal) -> usize {
        let mut ended = 0;
        for (number, carrier) in self.all() {
            let elsewhere = matches!(whom, Whom::Connection(id) if id.carrier() != number);
            if !elsewhere {
                ended += carrier.dismiss(whom.clone(), why).await;
            }
        }
        ended
    }

    /// Lists the subscription of a task, which is woken by its bell.
    pub(crate) fn enrol(
        self: &Arc<Self>,
        selectors: Selectors,
        user: Option<User>,
        bell: Arc<TaskBell>,
        attendance: Attendance,
    ) -> Enrolled {
        let mut list = self.tasks.list_of_all();
        list.serial = list.serial.wrapping_add(1);
        let serial = list.serial;
        let slot = list.tasks.insert(TaskEntry { serial, selectors, user, since: Instant::now(), bell });
        Enrolled { attendance, id: ConnectionId::new(0, slot as u32, serial) }
    }

    fn all(&self) -> Vec<(u8, Arc<dyn Carrier>)> {
        let tasks: Arc<dyn Carrier> = self.tasks.clone();
        let carriers = self.carriers();
        let numbered =
            (1..).zip(&*carriers).filter_map(|(number, carrier)| Some((number, carrier.upgrade()?)));
        std::iter::once((0, tasks)).chain(numbered).collect()
    }

    fn carriers(&self) -> MutexGuard<'_, Vec<Weak<dyn Carrier>>> {
        self.carriers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The subscriptions of tasks.
#[derive(Default)]
struct TaskCarrier(Mutex<TaskList>);

#[derive(Default)]
struct TaskList {
    tasks: Slab<TaskEntry>,
    serial: u32,
}

struct TaskEntry {
    serial: u32,
    selectors: Selectors,
    user: Option<User>,
    since: Instant,
    bell: Arc<TaskBell>,
}

impl TaskCarrier {
    fn list_of_all(&self) -> MutexGuard<'_, TaskList> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Carrier for TaskCarrier {
    async fn list(&self, after: Option<ConnectionId>, limit: usize) -> Vec<Subscriber> {
        let list = self.list_of_all();
        let from = after.map_or(0, |after| after.slot() as usize + 1);
        let rest = (from..list.tasks.capacity()).filter_map(|slot| Some((slot, list.tasks.get(slot)?)));
        let subscriber = |(slot, task): (usize, &TaskEntry)| Subscriber {
            id: ConnectionId::new(0, slot as u32, task.serial),
            selectors: task.selectors.clone(),
            age: task.since.elapsed(),
            user: task.user.clone(),
        };
        rest.take(limit).map(subscriber).collect()
    }

    async fn dismiss(&self, whom: Whom, why: Dismissal) -> usize {
        let list = self.list_of_all();
        let meant = list.tasks.iter().filter(|(slot, task)| {
            let id = ConnectionId::new(0, *slot as u32, task.serial);
            whom.means(id, &task.selectors, task.user.as_deref())
        });
        meant.filter(|(_, task)| task.bell.dismiss(why)).count()
    }
}

/// Wakes the one task that waits for a subscription, and says whether the subscription was ended. A wake that comes before the
/// wait is kept.
#[derive(Default)]
pub(crate) struct TaskBell {
    notify: Notify,
    dismissed: OnceLock<Dismissal>,
}

impl TaskBell {
    /// Ends the subscription; false if it was ended before.
    fn dismiss(&self, why: Dismissal) -> bool {
        let fresh = self.dismissed.set(why).is_ok();
        self.notify.notify_one();
        fresh
    }

    /// Waits until it is rung. Cancel safe.
    pub(crate) async fn rung(&self) {
        self.notify.notified().await;
    }

    /// Why the subscription was ended, if it was.
    pub(crate) fn dismissed(&self) -> Option<Dismissal> {
        self.dismissed.get().copied()
    }
}

impl Watcher for TaskBell {
    fn ring_moved(&self, _key: usize) {
        self.notify.notify_one();
    }
}

/// A task's subscription on the roster. Dropping it takes it off.
pub(crate) struct Enrolled {
    attendance: Attendance,
    id: ConnectionId,
}

impl Enrolled {
    pub(crate) fn id(&self) -> ConnectionId {
        self.id
    }
}

impl Drop for Enrolled {
    fn drop(&mut self) {
        self.attendance.roster.tasks.list_of_all().tasks.try_remove(self.id.slot() as usize);
    }
}
