//! The post: what reaches a lane from other threads, and the bell that wakes it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mio::Waker;
use tidings_core::ring::Watcher;
use tidings_core::roster::Audience;
use tidings_core::{AttendeeCopy, Carrier, ConnectionId, Dismissal, Subscriber, Topic, User, Whom};
use tokio::sync::oneshot;

use super::ids::GroupId;
use super::page::PageRead;
use super::parked::{Held, Parked};

/// A letter to a lane. There are at most as many as connections, and as requests that ask about them: each connection is
/// parked once, and reads one page at a time.
pub(super) enum Letter<H> {
    /// A connection to take over.
    Park(Box<Parked<H>>),
    /// What the store held for members that the rings left behind.
    Page(Box<PageRead>),
    /// End all connections, spread over a time.
    Drain(Duration),
    /// Say who is here.
    List { after: Option<ConnectionId>, limit: usize, reply: oneshot::Sender<Vec<Subscriber>> },
    /// Count who receives the events of a topic.
    Audience { topic: Topic, after: Option<User>, users_max: usize, reply: oneshot::Sender<Audience> },
    /// Say which users receive the events of any of these topics.
    Attendees { topics: Arc<BTreeMap<Topic, ()>>, reply: oneshot::Sender<Vec<AttendeeCopy>> },
    /// End some connections.
    Dismiss { whom: Whom, why: Dismissal, reply: oneshot::Sender<usize> },
    /// No connection will come any more.
    End,
}

/// Shared by a lane and all who write to it.
pub(super) struct Post<H> {
    waker: Waker,
    /// Set while the lane is sure to look: rings the bell once, however much comes.
    rung: AtomicBool,
    /// None when the lane has ended.
    letters: Mutex<Option<Vec<Letter<H>>>>,
    moved: Mutex<Moved>,
}

/// What a lane has taken from its post.
pub(super) struct Mail<H> {
    pub(super) letters: Vec<Letter<H>>,
    pub(super) moved: Vec<GroupId>,
}

/// Groups whose rings have moved, each once.
#[derive(Default)]
struct Moved {
    groups: Vec<GroupId>,
    listed: Vec<bool>,
}

impl<H> Post<H> {
    pub(super) fn new(waker: Waker) -> Self {
        Self {
            waker,
            rung: AtomicBool::new(false),
            letters: Mutex::new(Some(Vec::new())),
            moved: Mutex::default(),
        }
    }

    pub(super) fn send(&self, letter: Letter<H>) {
        if let Some(letters) = &mut *lock(&self.letters) {
            letters.push(letter);
        }
        self.ring();
    }

    /// Takes all that has come. What comes later rings again.
    pub(super) fn collect(&self, mail: &mut Mail<H>) {
        self.rung.store(false, Ordering::SeqCst);
        if let Some(letters) = &mut *lock(&self.letters) {
            mail.letters.append(letters);
        }
        let mut moved = lock(&self.moved);
        mail.moved.extend_from_slice(&moved.groups);
        moved.clear();
    }

    /// The lane has ended: letters are thrown away, and nobody waits for an answer to them.
    pub(super) fn close(&self) {
        lock(&self.letters).take();
    }

    fn ring(&self) {
        if !self.rung.swap(true, Ordering::SeqCst) && self.waker.wake().is_err() {
            // The lane looks at every tick anyway.
            self.rung.store(false, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl<H: Held> Carrier for Post<H> {
    async fn list(&self, after: Option<ConnectionId>, limit: usize) -> Vec<Subscriber> {
        let (reply, answer) = oneshot::channel();
        self.send(Letter::List { after, limit, reply });
        // A lane that has ended carries nobody.
        answer.await.unwrap_or_default()
    }

    async fn audience(&self, topic: Topic, after: Option<User>, users_max: usize) -> Audience {
        let (reply, answer) = oneshot::channel();
        self.send(Letter::Audience { topic, after: after.clone(), users_max, reply });
        answer.await.unwrap_or_else(|_| Audience::new(after, users_max))
    }

    async fn attendees(&self, topics: Arc<BTreeMap<Topic, ()>>) -> Vec<AttendeeCopy> {
        let (reply, answer) = oneshot::channel();
        self.send(Letter::Attendees { topics, reply });
        answer.await.unwrap_or_default()
    }

    async fn dismiss(&self, whom: Whom, why: Dismissal) -> usize {
        let (reply, answer) = oneshot::channel();
        self.send(Letter::Dismiss { whom, why, reply });
        answer.await.unwrap_or_default()
    }
}

impl<H: Held> Watcher for Post<H> {
    fn ring_moved(&self, group: usize) {
        lock(&self.moved).list(GroupId::of(group));
        self.ring();
    }
}

impl<H> Default for Mail<H> {
    fn default() -> Self {
        Self { letters: Vec::new(), moved: Vec::new() }
    }
}

impl Moved {
    fn list(&mut self, group: GroupId) {
        let slot = group.slot();
        if self.listed.len() <= slot {
            self.listed.resize(slot + 1, false);
        }
        if !std::mem::replace(&mut self.listed[slot], true) {
            self.groups.push(group);
        }
    }

    fn clear(&mut self) {
        for group in self.groups.drain(..) {
            self.listed[group.slot()] = false;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
