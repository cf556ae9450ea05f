//! All watched topics of a hub, and their watchers, under one lock.
//!
//! A session that comes or goes is looked up among the watched topics, and that is all: the [keeper](super::keeper) does the rest
//! at its time. While nobody watches, not even the lock is taken.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::Instant;

use super::matching::matching;
use super::notice::Notice;
use super::topic_presence::TopicPresence;
use super::view::{Look, PresenceView, Unseen};
use super::watched_topics;
use crate::event::Topic;
use crate::limits::{
    PRESENCE_COUNTED_MAX, PRESENCE_ROLL_PER_TURN, PRESENCE_TOPICS_MAX, PRESENCE_TOPICS_PER_TURN,
};
use crate::live::ring::Watcher;
use crate::roster::{Attendee, AttendeeCopy, ConnectionId, RosterListener, User};
use crate::select::Selectors;

/// The presence of all watched topics of a hub.
pub struct Presences {
    debounce: Duration,
    watched: Mutex<Watched>,
    /// Whether anything is watched.
    any: AtomicBool,
    /// Wakes the keeper.
    pub(super) changed: Notify,
    closed: AtomicBool,
}

#[derive(Default)]
struct Watched {
    topics: BTreeMap<Topic, Entry>,
    views: HashMap<u64, View>,
    last_view: u64,
    /// Topics of which something was told since the keeper looked, each once.
    touched: Vec<Topic>,
    due: BTreeSet<(Instant, Topic)>,
    /// Topics for which the roster is to be called.
    uncalled: BTreeMap<Topic, ()>,
    /// Connections in all topics, and how many there may be.
    counted: usize,
    counted_max: usize,
    /// Some were not counted, for want of room.
    is_short: bool,
}

struct Entry {
    presence: TopicPresence,
    /// Its watchers, and its number in each.
    views: HashMap<u64, usize>,
    /// The roster is called for it. Not for one that was forgotten and is watched again since the call began: that one has not
    /// heard who has left meanwhile.
    is_called: bool,
    is_touched: bool,
    /// Not all who came were counted.
    is_short: bool,
    due: Option<Instant>,
}

struct View {
    topics: Vec<(Topic, Unseen)>,
    watcher: Arc<dyn Watcher>,
    key: usize,
}

/// The presence of as many topics is watched as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the presence of {PRESENCE_TOPICS_MAX} topics is watched, and of no more at once")]
pub struct TooManyWatched;

impl Presences {
    /// Of a hub where nobody watches.
    pub fn new(debounce: Duration) -> Self {
        Self::counting(PRESENCE_COUNTED_MAX, debounce)
    }

    fn counting(counted_max: usize, debounce: Duration) -> Self {
        let (any, changed, closed) = (AtomicBool::new(false), Notify::new(), AtomicBool::new(false));
        let watched = Mutex::new(Watched { counted_max, ..Watched::default() });
        Self { debounce, watched, any, changed, closed }
    }

    /// Whether there is room to watch what selectors ask for.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn check_room(&self, selectors: &Selectors) -> Result<(), TooManyWatched> {
        let mut asked = watched_topics(selectors).peekable();
        if asked.peek().is_none() {
            return Ok(());
        }
        let watched = self.watched();
        let fresh = asked.filter(|topic| !watched.topics.contains_key(topic)).count();
        if watched.topics.len() + fresh <= PRESENCE_TOPICS_MAX { Ok(()) } else { Err(TooManyWatched) }
    }

    /// Whether nobody watches.
    pub fn is_unwatched(&self) -> bool {
        !self.any.load(Ordering::SeqCst)
    }

    /// Watches the topics of which selectors ask for the presence; none if they ask for none. `watcher` is told under `key` when
    /// there is something to look at.
    pub fn watch(
        self: &Arc<Self>,
        selectors: &Selectors,
        watcher: Arc<dyn Watcher>,
        key: usize,
    ) -> Option<PresenceView> {
        let topics: Vec<_> = watched_topics(selectors).map(|topic| (topic, Unseen::Nothing)).collect();
        if topics.is_empty() {
            return None;
        }
        let mut guard = self.watched();
        let watched = &mut *guard;
        watched.last_view += 1;
        let id = watched.last_view;
        for (number, (topic, _)) in topics.iter().enumerate() {
            if !watched.topics.contains_key(topic) {
                if watched.topics.len() >= PRESENCE_TOPICS_MAX {
                    // Its request was let in at the same moment as others: it hears nothing of this topic.
                    continue;
                }
                watched.uncalled.insert(topic.clone(), ());
                let presence = TopicPresence::uncalled(topic.clone());
                watched.topics.insert(topic.clone(), Entry::of(presence));
            }
            if let Some(entry) = watched.topics.get_mut(topic) {
                entry.views.insert(id, number);
            }
        }
        self.any.store(true, Ordering::SeqCst);
        let view = PresenceView { presences: self.clone(), id, topics: topics.len() };
        watched.views.insert(id, View { topics, watcher, key });
        drop(guard);
        self.changed.notify_one();
        Some(view)
    }

    pub(super) fn look(&self, id: u64, number: usize, wants_state: bool) -> Look {
        let mut guard = self.watched();
        let watched = &mut *guard;
        let view = watched.views.get_mut(&id).and_then(|view| view.topics.get_mut(number));
        let Some((topic, unseen)) = view else { return Look::default() };
        let entry = watched.topics.get_mut(topic).filter(|entry| entry.presence.is_known());
        let Some(entry) = entry else { return Look::default() };
        let (change, has_missed) = match std::mem::take(unseen) {
            Unseen::Nothing => (None, false),
            Unseen::Change(notice) => (Some(notice), false),
            Unseen::Missed => (None, true),
        };
        let state = (wants_state || has_missed).then(|| entry.presence.state());
        Look { change, state, has_missed }
    }

    pub(super) fn forget(&self, id: u64) {
        let mut watched = self.watched();
        let Some(view) = watched.views.remove(&id) else { return };
        for (topic, _) in view.topics {
            let Some(entry) = watched.topics.get_mut(&topic) else { continue };
            entry.views.remove(&id);
            if entry.views.is_empty() {
                let due = entry.due;
                watched.counted -= entry.presence.counted();
                watched.topics.remove(&topic);
                watched.uncalled.remove(&topic);
                if let Some(due) = due {
                    watched.due.remove(&(due, topic));
                }
            }
        }
        self.any.store(!watched.topics.is_empty(), Ordering::SeqCst);
        if watched.is_short {
            self.changed.notify_one();
        }
    }

    /// Tells the watchers of some topics what is due, at most of so many that others need not wait long for the lock. The answer is
    /// when to come again.
    pub(super) fn advance(&self, now: Instant) -> Option<Instant> {
        let mut guard = self.watched();
        let watched = &mut *guard;
        watched.call_again_if_there_is_room();
        for _ in 0..PRESENCE_TOPICS_PER_TURN {
            let Some(topic) = watched.touched.pop() else { break };
            watched.settle(&topic, now, self.debounce);
        }
        for _ in 0..PRESENCE_TOPICS_PER_TURN {
            let Some((due, topic)) = watched.due.first().cloned() else { break };
            if due > now {
                break;
            }
            let Some(entry) = watched.topics.get_mut(&topic) else { break };
            if let Some(notice) = entry.presence.change(now, self.debounce) {
                entry.tell(&mut watched.views, &notice);
            }
            watched.settle(&topic, now, self.debounce);
        }
        if !watched.touched.is_empty() {
            return Some(now);
        }
        watched.due.first().map(|(due, _)| *due)
    }

    /// Whether the roster is to be called.
    pub(super) fn has_uncalled(&self) -> bool {
        !self.watched().uncalled.is_empty()
    }

    /// The topics for which the roster is called now.
    pub(super) fn take_uncalled(&self) -> BTreeMap<Topic, ()> {
        let mut watched = self.watched();
        let topics = std::mem::take(&mut watched.uncalled);
        for topic in topics.keys() {
            if let Some(entry) = watched.topics.get_mut(topic) {
                entry.is_called = true;
            }
        }
        topics
    }

    /// The roster was called for some topics, and these are the connections of users that it knows of. Others have their turn
    /// meanwhile, and may come and go.
    pub(super) async fn take_roll(&self, topics: &BTreeMap<Topic, ()>, roll: &[AttendeeCopy]) {
        for some in roll.chunks(PRESENCE_ROLL_PER_TURN) {
            for AttendeeCopy { id, selectors, session } in some {
                let Some(user) = &session.user else { continue };
                // Compared before the lock is taken.
                let found = matching(topics, selectors);
                let mut watched = self.watched();
                for topic in &found {
                    let entry = watched.topics.get(topic).filter(|entry| entry.is_called);
                    if entry.is_some_and(|entry| !entry.presence.left_early(*id)) {
                        watched.join(topic, *id, user, session.info.as_ref());
                    }
                }
            }
            yield_now().await;
        }
        for some in topics.keys().collect::<Vec<_>>().chunks(PRESENCE_TOPICS_PER_TURN) {
            {
                let mut guard = self.watched();
                let Watched { topics: entries, views, touched, .. } = &mut *guard;
                for topic in some {
                    let Some(entry) = entries.get_mut(*topic).filter(|entry| entry.is_called) else {
                        continue;
                    };
                    entry.presence.end_roll();
                    entry.wake(views);
                    // Those whom an earlier roll had no room for are told of.
                    if !std::mem::replace(&mut entry.is_touched, true) {
                        touched.push((*topic).clone());
                    }
                }
            }
            yield_now().await;
        }
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.changed.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Has something done for each watched topic that a session reads, and that others do not read. Wakes the keeper if there is one.
    fn touch(
        &self,
        who: Attendee<'_>,
        others: Option<&Selectors>,
        touch: impl Fn(&mut Watched, &Topic) -> bool,
    ) {
        if !self.any.load(Ordering::SeqCst) || who.session.user.is_none() {
            return;
        }
        let mut guard = self.watched();
        let watched = &mut *guard;
        let mut topics = matching(&watched.topics, who.selectors);
        if let Some(others) = others {
            topics.retain(|topic| !others.matches(topic));
        }
        let mut is_news = false;
        for topic in topics {
            if !touch(watched, &topic) {
                continue;
            }
            is_news = true;
            let Some(entry) = watched.topics.get_mut(&topic) else { continue };
            if !std::mem::replace(&mut entry.is_touched, true) {
                watched.touched.push(topic);
            }
        }
        drop(guard);
        if is_news {
            self.changed.notify_one();
        }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RosterListener for Presences {
    fn joined(&self, who: Attendee<'_>) {
        let Some(user) = &who.session.user else { return };
        self.touch(who, None, |watched, topic| watched.join(topic, who.id, user, who.session.info.as_ref()));
    }

    fn left(&self, who: Attendee<'_>) {
        self.touch(who, None, |watched, topic| watched.leave(topic, who.id));
    }

    /// Of a topic that it still reads it does not leave: a watcher would be told if its debounce is over in between.
    fn changed(&self, before: Attendee<'_>, now: Attendee<'_>) {
        let is_same_user = before.session.user == now.session.user;
        self.touch(before, is_same_user.then_some(now.selectors), |watched, topic| {
            watched.leave(topic, before.id)
        });
        let Some(user) = &now.session.user else { return };
        let info = now.session.info.as_ref();
        self.touch(now, None, |watched, topic| {
            let joins = watched.join(topic, now.id, user, info);
            if joins && let Some(entry) = watched.topics.get_mut(topic) {
                entry.presence.inform(user, info);
            }
            joins
        });
    }
}

impl Watched {
    /// Counts a connection, if there is room for it among those of all topics. Whether it did.
    fn join(&mut self, topic: &Topic, id: ConnectionId, user: &User, info: Option<&Arc<str>>) -> bool {
        let Some(entry) = self.topics.get_mut(topic) else { return false };
        if self.counted >= self.counted_max && !entry.presence.counts(id) {
            entry.is_short = true;
            if !std::mem::replace(&mut self.is_short, true) {
                let max = self.counted_max;
                tracing::warn!(
                    max,
                    "presence counts as many connections as it may, over all topics: users who come now are not shown"
                );
            }
            return false;
        }
        let before = entry.presence.counted();
        entry.presence.join(id, user, info);
        self.counted += entry.presence.counted() - before;
        true
    }

    /// Counts a connection no more. Whether it was counted.
    fn leave(&mut self, topic: &Topic, id: ConnectionId) -> bool {
        let Some(entry) = self.topics.get_mut(topic) else { return false };
        let before = entry.presence.counted();
        entry.presence.leave(id);
        let left = before - entry.presence.counted();
        self.counted -= left;
        left > 0
    }

    /// Has the roster called again for those topics of which not all readers were counted, once there is room for many.
    fn call_again_if_there_is_room(&mut self) {
        if !self.is_short || self.counted > self.counted_max - self.counted_max / 4 {
            return;
        }
        self.is_short = false;
        for (topic, entry) in &mut self.topics {
            if std::mem::take(&mut entry.is_short) {
                entry.presence.call_again();
                self.uncalled.insert(topic.clone(), ());
            }
        }
    }

    /// Notes when a topic is due.
    fn settle(&mut self, topic: &Topic, now: Instant, debounce: Duration) {
        let Some(entry) = self.topics.get_mut(topic) else { return };
        entry.is_touched = false;
        let due = if entry.presence.is_known() { entry.presence.due(now, debounce) } else { None };
        if let Some(before) = std::mem::replace(&mut entry.due, due) {
            self.due.remove(&(before, topic.clone()));
        }
        self.due.extend(due.map(|due| (due, topic.clone())));
    }
}

impl Entry {
    fn of(presence: TopicPresence) -> Self {
        let views = HashMap::new();
        Self { presence, views, is_called: false, is_touched: false, is_short: false, due: None }
    }

    fn tell(&self, views: &mut HashMap<u64, View>, notice: &Arc<Notice>) {
        for (id, number) in &self.views {
            let Some(view) = views.get_mut(id) else { continue };
            view.topics[*number].1.add(notice);
            view.watcher.ring_moved(view.key);
        }
    }

    fn wake(&self, views: &HashMap<u64, View>) {
        self.views.keys().filter_map(|id| views.get(id)).for_each(|view| view.watcher.ring_moved(view.key));
    }
}

#[cfg(test)]
mod tests;
