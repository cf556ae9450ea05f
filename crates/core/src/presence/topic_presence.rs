//! The users that read one topic, and what is to be told of them. It knows no clock: it is told the time.
//!
//! A user is there while one connection is. Who comes is told with the next notice; who goes is told when gone for a whole
//! debounce, so that a reload is neither. Between two changes lies one debounce at least.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::notice::{News, Notice, People, Person};
use crate::event::Topic;
use crate::roster::{ConnectionId, User};

/// The users that read one topic.
pub(super) struct TopicPresence {
    topic: Topic,
    users: BTreeMap<User, Member>,
    /// So that one connection counts once, also when the roll and what was told of it cross.
    connections: HashMap<ConnectionId, User>,
    /// It is known who is there.
    is_known: bool,
    /// While the roster is called: connections that have left, which the roll may still have.
    left_early: Option<HashSet<ConnectionId>>,
    /// Users that watchers have not been told of.
    arrivals: BTreeSet<User>,
    /// Since when there have been some.
    arrivals_since: Option<Instant>,
    /// Users without a connection, whose time has not been noted yet.
    just_gone: HashSet<User>,
    /// Users without a connection, and since when.
    gone: BTreeSet<(Instant, User)>,
    told_at: Option<Instant>,
    /// Counts what changes in the list of users.
    version: u64,
    /// The last state that was told, and its version.
    state: Option<(u64, Arc<Notice>)>,
}

struct Member {
    connections: usize,
    info: Option<Arc<str>>,
    /// All watchers have been told that it is there.
    is_told: bool,
    /// The version in which it came.
    came: u64,
    gone_since: Option<Instant>,
}

impl TopicPresence {
    /// Of a topic for which the roster has to be called.
    pub(super) fn uncalled(topic: Topic) -> Self {
        Self {
            topic,
            users: BTreeMap::new(),
            connections: HashMap::new(),
            is_known: false,
            left_early: Some(HashSet::new()),
            arrivals: BTreeSet::new(),
            arrivals_since: None,
            just_gone: HashSet::new(),
            gone: BTreeSet::new(),
            told_at: None,
            version: 0,
            state: None,
        }
    }

    /// Whether it is known who is there.
    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    /// How many connections of users it counts.
    pub(super) fn counted(&self) -> usize {
        self.connections.len()
    }

    /// Whether it counts a connection.
    pub(super) fn counts(&self, id: ConnectionId) -> bool {
        self.connections.contains_key(&id)
    }

    /// A connection of a user has come.
    pub(super) fn join(&mut self, id: ConnectionId, user: &User, info: Option<&Arc<str>>) {
        if self.connections.insert(id, user.clone()).is_some() {
            return;
        }
        let Some(member) = self.users.get_mut(user) else {
            self.version += 1;
            let (info, came) = (info.cloned(), self.version);
            let member = Member { connections: 1, info, is_told: false, came, gone_since: None };
            self.users.insert(user.clone(), member);
            self.arrivals.insert(user.clone());
            return;
        };
        if member.connections == 0 && !member.is_told {
            self.arrivals.insert(user.clone());
        }
        member.connections += 1;
        if let Some(since) = member.gone_since.take() {
            self.gone.remove(&(since, user.clone()));
        }
        self.inform(user, info);
    }

    /// The token of a user tells this now.
    pub(super) fn inform(&mut self, user: &User, info: Option<&Arc<str>>) {
        let Some(member) = self.users.get_mut(user) else { return };
        if member.info.as_ref() != info {
            member.info = info.cloned();
            self.version += 1;
        }
    }

    /// A connection has left.
    pub(super) fn leave(&mut self, id: ConnectionId) {
        if let Some(left) = &mut self.left_early {
            left.insert(id);
        }
        let Some(user) = self.connections.remove(&id) else { return };
        let Some(member) = self.users.get_mut(&user) else { return };
        member.connections -= 1;
        if member.connections > 0 {
            return;
        }
        let was_shown = self.state.as_ref().is_some_and(|(version, _)| member.came <= *version);
        if member.is_told || was_shown {
            // A watcher that came meanwhile knows it from its state, and must hear that it leaves.
            self.arrivals.remove(&user);
            self.just_gone.insert(user);
        } else {
            self.version += 1;
            self.arrivals.remove(&user);
            self.users.remove(&user);
        }
    }

    /// The roster is to be called again, because not all who came were counted.
    pub(super) fn call_again(&mut self) {
        self.left_early.get_or_insert_default();
    }

    /// Whether a connection of the roll has left since the roster was called.
    pub(super) fn left_early(&self, id: ConnectionId) -> bool {
        self.left_early.as_ref().is_some_and(|left| left.contains(&id))
    }

    /// All connections of the roll are counted. Those of the first one were there before anybody was told anything.
    pub(super) fn end_roll(&mut self) {
        self.left_early = None;
        if !std::mem::replace(&mut self.is_known, true) {
            self.arrivals.clear();
            self.users.values_mut().for_each(|member| member.is_told = true);
        }
    }

    /// Who is there now.
    pub(super) fn state(&mut self) -> Arc<Notice> {
        if let Some((version, state)) = &self.state
            && *version == self.version
        {
            return state.clone();
        }
        let news = News::State(People::first_of(self.users.iter().map(person)));
        let state = Notice::new(self.topic.clone(), news, self.users.len());
        self.state = Some((self.version, state.clone()));
        state
    }

    /// Notes the time of what has happened, and says when there is something to tell.
    pub(super) fn due(&mut self, now: Instant, debounce: Duration) -> Option<Instant> {
        for user in self.just_gone.drain() {
            let Some(member) = self.users.get_mut(&user).filter(|member| member.connections == 0) else {
                continue;
            };
            if member.gone_since.is_none() {
                member.gone_since = Some(now);
                self.gone.insert((now, user));
            }
        }
        self.arrivals_since = match self.arrivals.is_empty() {
            true => None,
            false => self.arrivals_since.or(Some(now)),
        };
        let since = [self.arrivals_since, self.gone.first().map(|(since, _)| *since)];
        let first = since.into_iter().flatten().min()?;
        Some((first + debounce).max(self.told_at.map_or(first, |at| at + debounce)))
    }

    /// What has changed, if it is due and there is something.
    pub(super) fn change(&mut self, now: Instant, debounce: Duration) -> Option<Arc<Notice>> {
        if !self.is_known() || self.due(now, debounce).is_none_or(|due| due > now) {
            return None;
        }
        let mut left = BTreeMap::new();
        while let Some((since, user)) = self.gone.pop_first() {
            if since + debounce > now {
                self.gone.insert((since, user));
                break;
            }
            left.extend(self.users.remove_entry(&user));
        }
        let arrivals = std::mem::take(&mut self.arrivals);
        self.arrivals_since = None;
        if left.is_empty() && arrivals.is_empty() {
            return None;
        }
        for user in &arrivals {
            if let Some(member) = self.users.get_mut(user) {
                member.is_told = true;
            }
        }
        self.version += 1;
        self.told_at = Some(now);
        let joined = People::first_of(
            arrivals.iter().filter_map(|user| Some(person(self.users.get_key_value(user)?))),
        );
        let left = People::first_of(left.into_keys().map(|user| Person { user, info: None }));
        Some(Notice::new(self.topic.clone(), News::Change { joined, left }, self.users.len()))
    }
}

fn person((user, member): (&User, &Member)) -> Person {
    Person { user: user.clone(), info: member.info.clone() }
}
